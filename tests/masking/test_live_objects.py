"""A copy has what layers learned by `adapt`, and the functions of the model itself."""

import threading

import keras
import numpy as np
import pytest

import keras_lottery as kl
from keras_lottery import masking
from keras_lottery.errors import LotteryError

layers = keras.layers
pytestmark = pytest.mark.backend


def shifted(x):
    return keras.ops.relu(x) + 1.0


class ByPosition(layers.Layer):
    """A layer that passes its initializer by position."""

    def build(self, shape):
        self.w = self.add_weight((shape[-1], 3), "glorot_uniform", name="w")

    def call(self, x):
        return x @ self.w


class Ridge(keras.regularizers.Regularizer):
    def __call__(self, x):
        return keras.ops.sum(x**2)

    def get_config(self):
        return {}


class Ones(keras.initializers.Initializer):
    def __call__(self, shape, dtype=None):
        return keras.ops.ones(shape, dtype)


class Small(keras.constraints.Constraint):
    def __call__(self, value):
        return keras.ops.clip(value, -1, 1)


def adapted(layer, x):
    layer.adapt(x)
    return layer


def made(*stack, size=8):
    model = keras.Sequential([keras.Input((size,)), *stack, layers.Dense(2)])
    model.compile("adam", "mse")
    kl.prune(model, 0.5)
    return model


X = (np.random.default_rng(0).normal(size=(64, 8)) * 5 + 100).astype("float32")
STACKS = {
    "normalization": lambda: [adapted(layers.Normalization(), X)],
    "normalization of one axis": lambda: [adapted(layers.Normalization(axis=None), X)],
    "discretization": lambda: [adapted(layers.Discretization(num_bins=4), X)],
    "named function": lambda: [layers.Dense(6, activation=shifted), layers.Activation(shifted)],
    "lambdas": lambda: [
        layers.Dense(6, activation=lambda x: shifted(x) - 2.0),
        layers.Lambda(lambda x: keras.ops.tanh(x) + 1.0),
        layers.Lambda(lambda x: shifted(x) * 3.0),
    ],
    "initializer by position": lambda: [ByPosition()],
    "classes of the user": lambda: [
        layers.Dense(6, kernel_regularizer=Ridge(), bias_initializer=Ones()),
        layers.Dense(6, kernel_constraint=Small()),
    ],
}


@pytest.mark.parametrize("stack", STACKS.values(), ids=STACKS.keys())
def test_every_copy_has_the_outputs_of_the_model(stack):
    model = made(*stack())
    expected = keras.ops.convert_to_numpy(model(X))
    for copy in (kl.strip(model), kl.compact(model), kl.mask(model, in_place=False)):
        outputs = keras.ops.convert_to_numpy(copy(X))
        np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-5)


def test_assigned_statistics_are_used():
    model = made(*STACKS["normalization"]())
    other = made(adapted(layers.Normalization(), 2 * X))
    masking.set_weights(other, masking.get_weights(model))
    kl.set_masks(other, kl.get_masks(model))
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(other(X)), keras.ops.convert_to_numpy(model(X)), atol=1e-5
    )


def test_functions_keep_their_names():
    model = made(layers.Dense(6, activation=shifted), layers.Lambda(lambda x: x))
    kl.strip(model)
    assert shifted.__name__ == "shifted"
    assert model.layers[1].function.__name__ == "<lambda>"


def test_a_loss_of_the_user_is_copied():
    model = keras.Sequential([keras.Input((8,)), layers.Dense(2)])
    model.compile("adam", lambda y, p: keras.ops.mean((y - p) ** 2))
    copy = kl.mask(model, in_place=False)
    copy.fit(X, np.zeros((64, 2), "float32"), verbose=0)
    table = kl.sensitivity(copy, (X, np.zeros((64, 2), "float32")))
    assert np.isfinite(table.unpruned["loss"])


def test_threads_may_copy_models_at_once():
    model, errors = made(layers.Dense(6, "relu")), []
    kept = keras.Layer.__call__, keras.Layer.add_weight

    def copy():
        try:
            for _ in range(2):
                kl.compact(kl.strip(model))
        except LotteryError as error:
            errors.append(error)

    threads = [threading.Thread(target=copy) for _ in range(3)]
    for thread in threads:
        thread.start()
    others = [layers.Dense(3) for _ in range(50)]
    for other in others:
        other.build((None, 8))
    for thread in threads:
        thread.join()
    assert not errors and kept == (keras.Layer.__call__, keras.Layer.add_weight)
    assert all(np.any(keras.ops.convert_to_numpy(other.kernel)) for other in others)
