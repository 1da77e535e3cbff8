"""Small models and data that the tests of masking share."""

import keras
import numpy as np
import pytest

from keras_lottery import masking
from tests import fresh

L = keras.layers


@pytest.fixture(autouse=True)
def fresh_seeds():
    keras.utils.set_random_seed(0)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(32, 6)).astype("float32")
    return x, rng.integers(0, 3, 32).astype("int32")


@pytest.fixture
def mlp():
    """Returns a maker of 6-5-4-3 perceptrons with batch norm and dropout."""

    def make(**dense):
        inputs = keras.Input((6,))
        hidden = L.Dense(5, activation="relu", **dense)(inputs)
        hidden = L.Dropout(0.1)(L.BatchNormalization()(hidden))
        hidden = L.Dense(4, activation="tanh", **dense)(hidden)
        return keras.Model(inputs, L.Dense(3, **dense)(hidden))

    return make


@pytest.fixture
def two_layers():
    """Returns a maker of 6-5-3 perceptrons, for what depends on neither layers nor statistics."""

    def make(**dense):
        inputs = keras.Input((6,))
        hidden = L.Dense(5, activation="tanh", **dense)(inputs)
        return keras.Model(inputs, L.Dense(3, **dense)(hidden))

    return make


@pytest.fixture
def compiled():
    """Returns a function that compiles a classifier."""

    def compile_(model, optimizer="adam", **kwargs):
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizer, loss, **kwargs)
        return model

    return compile_


@pytest.fixture
def random_masks():
    """Returns a maker of masks that keep about half of each masked variable."""

    def make(model, seed=0, keep=0.5):
        rng = np.random.default_rng(seed)
        shapes = {path: mask.shape for path, mask in masking.get_masks(model).items()}
        return {path: rng.random(shape) < keep for path, shape in shapes.items()}

    return make


@pytest.fixture
def run_python():
    """Returns a function that runs code in a fresh process of the same backend."""

    def run(code, *arguments):
        done = fresh.run("-c", code, *arguments)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    return run
