"""Networks that draw their masks, re-estimated batch-norm statistics, and constant outputs."""

import keras
import numpy as np
import pytest

from keras_lottery import masking, toolkit
from keras_lottery.training import checkpoint
from keras_lottery.training.evaluation import (
    is_constant,
    reestimate_statistics,
    sampled,
    shipped,
    undisturbed,
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
    undisturbed(model, used)
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
    found = shipped(model, used)
    assert found == pytest.approx({"threshold_used": 0.8, "mean_kept": 0.8 * 0.8 + 0.2 * 0.2})
    assert used(model)["used"] != 0.8


L = keras.layers


def made(momentum=0.9, trainable=True):
    norms = [L.BatchNormalization(momentum=momentum) for _ in range(2)]
    norms[1].trainable = trainable
    model = keras.Sequential([keras.Input((3,)), norms[0], L.Dense(2, use_bias=False), norms[1]])
    for norm in norms:
        norm.moving_mean.assign(norm.moving_mean + 7)
    return model


def numbers(variable):
    return keras.ops.convert_to_numpy(variable.value)


def test_statistics_are_those_of_the_data_and_nothing_else_moves():
    model, rng = made(), np.random.default_rng(0)
    x = rng.normal(2, 3, (400, 3)).astype(np.float32)
    toolkit.mask(model)
    masking.set_masks(model, {"layers/dense/kernel": np.array([[1, 0], [1, 1], [0, 1]], bool)})
    before = masking.get_weights(model)
    reestimate_statistics(model, x)
    after = masking.get_weights(model)
    first, second = (f"layers/batch_normalization{n}" for n in ("", "_1"))
    np.testing.assert_allclose(after[f"{first}/moving_mean"], x.mean(axis=0), rtol=1e-4)
    variance = after[f"{first}/moving_variance"]
    np.testing.assert_allclose(variance, x.var(axis=0), rtol=5e-3)
    normal = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-3)
    inner = normal @ np.where(masking.get_masks(model)["layers/dense/kernel"],
                              before["layers/dense/kernel"], 0)  # fmt: skip
    np.testing.assert_allclose(after[f"{second}/moving_mean"], inner.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(after[f"{second}/moving_variance"], inner.var(axis=0), rtol=5e-3)
    rest = [path for path in before if "moving" not in path]
    assert rest and all(np.array_equal(before[path], after[path]) for path in rest)


def test_batches_count_alike_and_what_is_frozen_stays():
    model = made(momentum=0.5, trainable=False)
    x = np.repeat(np.array([[1.0, 2, 3], [3.0, 2, 5]], np.float32), 500, axis=0)
    reestimate_statistics(model, x)
    first, second = model.layers[0], model.layers[2]
    np.testing.assert_allclose(numbers(first.moving_mean), [2, 2, 4], rtol=1e-5)
    np.testing.assert_allclose(numbers(first.moving_variance), 0, atol=1e-5)
    np.testing.assert_allclose(numbers(second.moving_mean), 7)


def test_a_network_without_batch_norm_stays_as_it_is():
    model = keras.Sequential([keras.Input((3,)), L.Dense(2)])
    before = masking.get_weights(model)
    reestimate_statistics(model, np.ones((4, 3), np.float32))
    assert all(np.array_equal(w, before[p]) for p, w in masking.get_weights(model).items())


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
