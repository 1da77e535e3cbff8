"""Layers as matrices: their outputs are the inputs times the matrix."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_lottery.toolkit.calibrated.linear import linear_map

pytestmark = pytest.mark.backend

EinsumDense = keras.layers.EinsumDense
LAYERS = {
    "dense": (lambda: keras.layers.Dense(3), (2, 4, 5), (3, 5)),
    "by an ellipsis": (lambda: EinsumDense("...x,xy->...y", 3), (2, 4, 5), (3, 5)),
    "onto heads": (lambda: EinsumDense("btd,dnh->btnh", (4, 2, 3)), (2, 4, 5), (6, 5)),
    "heads first": (lambda: EinsumDense("btd,ndh->btnh", (4, 2, 3)), (2, 4, 5), (6, 5)),
    "from heads": (lambda: EinsumDense("btnh,nhd->btd", (4, 5)), (2, 4, 2, 3), (5, 6)),
    "from heads the other way": (
        lambda: EinsumDense("btnh,hdn->btd", (4, 5)),
        (2, 4, 2, 3),
        (5, 6),
    ),
}


@pytest.mark.parametrize("case", LAYERS)
def test_outputs_are_inputs_times_the_matrix(case):
    make, shape, matrix_shape = LAYERS[case]
    layer = make()
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    y = ops.convert_to_numpy(layer(x))
    linear = linear_map(layer)
    kernel = ops.convert_to_numpy(layer.kernel)
    matrix = linear.matrix(kernel)
    assert matrix.shape == matrix_shape
    tokens = ops.convert_to_numpy(linear.tokens(ops.convert_to_tensor(x)))
    np.testing.assert_allclose(tokens @ matrix.T, y.reshape(len(tokens), -1), rtol=1e-4, atol=1e-5)
    assert np.array_equal(linear.kernel(matrix, kernel.shape), kernel)


@pytest.mark.parametrize("equation", ["ebd,edf->ebf", "btd,df->bf", "btd,d->btd"])
def test_other_equations_are_no_matrices(equation):
    layer = EinsumDense(equation, (2, 3, 4)[: len(equation.partition("->")[2]) - 1])
    assert linear_map(layer) is None
    assert linear_map(keras.layers.Embedding(3, 2)) is None
