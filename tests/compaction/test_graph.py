"""The dependency graph: which channels are coupled, how they pass through operations, FLOPs."""

import keras
import numpy as np
import pytest

import keras_lottery as kl
from keras_lottery.compaction import dependency_graph
from keras_lottery.training.flops import uses
from tests.compaction.test_dead_units import edit, functional, off, shapes

pytestmark = pytest.mark.backend
L = keras.layers


def test_groups_of_a_residual_block():
    x = keras.Input((8, 8, 3))
    a = L.Conv2D(4, 3, padding="same", use_bias=False)(x)
    b = L.BatchNormalization()(L.Conv2D(4, 3, padding="same")(a))
    y = L.GlobalAveragePooling2D()(L.Add()([a, b]))
    model = functional(x, L.Dense(2)(y))
    groups = [group for group in dependency_graph(model).groups() if not group.pinned]
    assert len(groups) == 4
    assert groups[1].slices == (
        ("layers/conv2d", "kernel", 3, (1,)),
        ("layers/conv2d_1", "kernel", 2, (1,)),
        ("layers/conv2d_1", "kernel", 3, (1,)),
        ("layers/conv2d_1", "bias", 0, (1,)),
        ("layers/batch_normalization", "gamma", 0, (1,)),
        ("layers/batch_normalization", "beta", 0, (1,)),
        ("layers/batch_normalization", "moving_mean", 0, (1,)),
        ("layers/batch_normalization", "moving_variance", 0, (1,)),
        ("layers/dense", "kernel", 0, (1,)),
    )
    made = {(path, attribute) for path, attribute, _, _ in groups[1].makes}
    assert ("layers/conv2d_1", "bias") in made
    assert ("layers/dense", "kernel") not in made


def test_flops_agree_with_those_of_a_run():
    x = keras.Input((8, 8, 4))
    y = L.SeparableConv2D(6, 3)(L.DepthwiseConv2D(3, padding="same")(x))
    y = L.Conv2DTranspose(4, 3, strides=2)(L.Conv2D(6, 3, strides=2, groups=2)(y))
    y = L.Reshape((25, 4))(y)
    y = L.EinsumDense("btd,de->bte", output_shape=(None, 5))(L.LSTM(3, return_sequences=True)(y))
    model = functional(x, L.Dense(2)(y))
    counts = uses(model, np.zeros((1, 8, 8, 4), "float32"))
    total = sum(2 * counts.get(id(v), 0) * int(np.prod(v.shape)) for v in model.variables)
    assert kl.compaction_report(kl.compact(model)).flops == (total, total)


def test_both_axes_of_an_einsum_shrink():
    x = keras.Input((5, 8))
    y = L.EinsumDense("btd,dhk->bthk", (None, 4, 3), bias_axes="hk", name="first")(x)
    model = functional(x, L.EinsumDense("...hk,hko->...o", (6,), name="second")(y))
    first, second = model.get_layer("first"), model.get_layer("second")
    edit(first, kernel=((slice(None), 1), 0), bias=(1, 0.5))  # constant
    edit(second, kernel=((slice(None), 2), 0))  # nothing reads it
    folded = 0.5 * np.array(keras.ops.convert_to_numpy(second.kernel))[1].sum(axis=0)
    small = kl.compact(model)
    assert shapes(small, "first") == [(8, 3, 2), (3, 2)]
    assert shapes(small, "second") == [(3, 2, 6), (6,)]
    np.testing.assert_allclose(small.get_layer("second").get_weights()[1], folded, rtol=1e-5)


def test_channels_pass_through_operations():
    ops = keras.ops
    x = keras.Input((4, 4, 3))
    y = L.Conv2D(6, 1, name="a")(x)
    y = ops.moveaxis(ops.transpose(y, (0, 3, 1, 2)), 1, -1)
    y = ops.swapaxes(ops.swapaxes(y, 1, -1), 1, -1)
    y = ops.squeeze(ops.expand_dims(y, 1), 1)
    y = ops.concatenate([y, ops.maximum(y, 0.1)], axis=-1)[:, 1:]
    y = ops.mean(ops.pad(y, ((0, 0), (1, 1), (0, 0), (0, 0))), axis=(1, 2))
    model = functional(x, L.Dense(2, name="last")(y))
    off(model.get_layer("a"), units=[0, 4])
    edit(model.get_layer("last"), kernel=(([6, 10], slice(None)), 0))  # max(0, 0.1), then padded
    small = kl.compact(model)
    assert shapes(small, "a") == [(1, 1, 3, 4), (4,)]
    assert shapes(small, "last") == [(8, 2), (2,)]


def test_products_keep_what_they_sum_over():
    x = keras.Input((5, 4))
    queries, keys = L.Dense(6, name="queries")(x), L.Dense(6, name="keys")(x)
    values = L.Dense(6, name="values")(x)
    scores = keras.ops.softmax(keras.ops.einsum("bqd,bkd->bqk", queries, keys))
    y = keras.ops.matmul(scores, values)
    model = functional(x, L.Dense(2, name="last")(y))
    for name in ("queries", "keys", "values"):
        off(model.get_layer(name), units=[0, 1])
    small = kl.compact(model)
    assert shapes(small, "queries") == shapes(small, "keys") == [(4, 6), (6,)]
    assert shapes(small, "last")[0] in ((4, 2), (6, 2))
