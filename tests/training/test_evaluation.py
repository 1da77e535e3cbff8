"""Measuring networks that draw their masks."""

import keras
import numpy as np
import pytest

from keras_lottery import masking, toolkit
from keras_lottery.training import checkpoint
from keras_lottery.training.evaluation import sampled, shipped, undisturbed

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
