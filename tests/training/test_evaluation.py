"""Networks that draw their masks, and constant outputs."""

import keras
import numpy as np
import pytest

from keras_lottery import masking, toolkit
from keras_lottery.training import checkpoint
from keras_lottery.training.evaluation import (
    is_constant,
    sampled,
    thresholded,
    with_seeds_preserved,
)

pytestmark = pytest.mark.backend
X = np.eye(6, dtype=np.float32)


def network():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6,))
    model = keras.Model(inputs, keras.layers.Dense(50, use_bias=False)(inputs))
    toolkit.mask(model, parametrization="bernoulli")
    masking.set_weights(model, {"layers/dense/kernel": np.ones((6, 50), np.float32)})
    return model


def used(model):
    return {"used": float(keras.ops.convert_to_numpy(model(X)).mean())}


def state(model):
    return {k: v.tolist() for k, v in checkpoint.capture_seeds(model).items()}


def test_measuring_moves_no_random_numbers():
    model = network()
    before = state(model)
    assert used(model) != used(model)
    assert state(model) != before
    before = state(model)
    with_seeds_preserved(model, used)
    sampled(model, used, 3)
    assert state(model) == before


def test_samples_are_different_and_the_same_at_every_call():
    model = network()
    found = sampled(model, used, 10)
    used(model)
    assert sampled(model, used, 10) == found
    assert found["used"] == pytest.approx(0.5, abs=0.03)
    assert 0 < found["used_sd"] < 0.1
    assert set(sampled(model, used, 1)) == {"used"}


def test_what_is_shipped_keeps_weights_of_probability_one_half_and_more():
    model = network()
    score = np.full((6, 50), np.log(4), np.float32)
    score[:, :10] = -np.log(4)
    masking.scores(model)[0].assign(score)
    found = thresholded(model, used)
    assert found == pytest.approx({"threshold_used": 0.8, "mean_kept": 0.8 * 0.8 + 0.2 * 0.2})
    assert used(model)["used"] != 0.8


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
