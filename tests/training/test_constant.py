"""A network that is cut through is told from one that still answers to its input."""

import keras
import numpy as np
import pytest

from keras_lottery import masking, toolkit
from keras_lottery.training.evaluation import is_constant

pytestmark = pytest.mark.backend


@pytest.fixture(scope="module")
def model():
    inputs = keras.Input((4,))
    inner = keras.layers.Dense(3, activation="relu")(inputs)
    outputs = keras.layers.Dense(2)(inner)
    return toolkit.mask(keras.Model(inputs, outputs))


def inputs():
    return np.random.default_rng(0).normal(size=(21, 4)).astype("float32")


def cut(model, layer):
    """Sets weights of 1 and prunes one layer whole."""
    masks = {path: np.ones_like(mask) for path, mask in masking.get_masks(model).items()}
    masking.set_weights(
        model, {path: np.ones(v.shape, "float32") for path, v in masking.variables(model).items()}
    )
    if layer is not None:
        masks[sorted(masks)[layer]][:] = False
    masking.set_masks(model, masks)


@pytest.mark.parametrize(("layer", "constant"), [(None, False), (0, True), (1, True)])
def test_a_layer_that_is_pruned_whole_makes_the_output_constant(model, layer, constant):
    cut(model, layer)
    assert is_constant(model, inputs()) is constant


def test_one_example_that_differs_is_enough_and_equal_examples_say_nothing(model):
    cut(model, None)
    x = np.zeros((21, 4), "float32")
    assert not is_constant(model, x)
    x[20] = 1
    assert not is_constant(model, x)
    cut(model, 0)
    assert is_constant(model, x)
