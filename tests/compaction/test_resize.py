"""Layers are built again with fewer units, whatever they were initialized with."""

import keras
import numpy as np
import pytest

import keras_lottery as kl
from keras_lottery.errors import LotteryError
from tests import fresh
from tests.compaction.test_dead_units import functional, off, shapes

pytestmark = pytest.mark.backend
L = keras.layers


@keras.saving.register_keras_serializable("compaction_tests")
class Started(L.Layer):
    """A composite layer whose constructor takes the initial kernel."""

    def __init__(self, initializer, **kwargs):
        super().__init__(**kwargs)
        self.initializer = keras.initializers.get(initializer)
        self.inner = L.Dense(3, kernel_initializer=self.initializer)

    def build(self, input_shape):
        self.inner.build(input_shape)

    def call(self, x):
        return self.inner(x)

    def get_config(self):
        initializer = keras.initializers.serialize(self.initializer)
        return {**super().get_config(), "initializer": initializer}


def with_table():
    table = keras.initializers.Constant(np.arange(80.0).reshape(20, 4))
    x = keras.Input((5,), dtype="int32")
    return x, L.Flatten()(L.Embedding(20, 4, embeddings_initializer=table)(x))


def with_kernel_and_bias():
    kernel = keras.initializers.Constant(np.arange(20.0).reshape(5, 4))
    bias = keras.initializers.Constant([1.0, 2.0, 3.0, 4.0])
    x = keras.Input((5,))
    return x, L.Dense(4, kernel_initializer=kernel, bias_initializer=bias)(x)


def with_two_directions():
    bias = keras.initializers.Constant(np.arange(16.0))
    x = keras.Input((3, 5))
    return x, L.Bidirectional(L.LSTM(4, unit_forget_bias=False, bias_initializer=bias))(x)


@pytest.mark.parametrize("build", [with_table, with_kernel_and_bias, with_two_directions])
def test_a_layer_that_is_initialized_with_an_array(build, tmp_path):
    x, y = build()
    model = functional(x, L.Dense(2)(y))
    kl.prune(model, 0.5, pattern="channels", embeddings=True)
    small = kl.compact(model)
    assert small.count_params() < model.count_params()
    data = np.ones((2, *x.shape[1:]), x.dtype)
    np.save(tmp_path / "data.npy", data)
    small.save(tmp_path / "small.keras")
    code = "import keras, numpy as np; model = keras.models.load_model('small.keras'); "
    code += "np.save('outputs.npy', model.predict(np.load('data.npy'), verbose=0))"
    assert fresh.run("-c", code, cwd=tmp_path).returncode == 0
    expected = model.predict(data, verbose=0)
    np.testing.assert_allclose(np.load(tmp_path / "outputs.npy"), expected, 1e-5, 1e-5)


def test_a_composite_layer_that_is_initialized_with_an_array(tmp_path):
    x = keras.Input((4,))
    started = Started(keras.initializers.Constant(np.ones((6, 3))), name="started")
    model = functional(x, started(L.Dense(6, name="first")(x)))
    off(model.get_layer("first"), units=[0, 1])
    kl.compact(model).save(tmp_path / "small.keras")
    loaded = keras.models.load_model(tmp_path / "small.keras")
    assert shapes(loaded, "started") == [(4, 3), (3,)]
    data = np.ones((2, 4), "float32")
    expected = model.predict(data, verbose=0)
    np.testing.assert_allclose(loaded.predict(data, verbose=0), expected, 1e-5, 1e-6)


def test_a_layer_that_only_takes_its_original_size_is_named():
    x = keras.Input((5,))
    y = L.Dense(4, name="first", kernel_initializer=lambda shape, dtype: np.ones((5, 4)))(x)
    model = functional(x, L.Dense(2)(y))
    off(model.get_layer("first"), units=[0])
    with pytest.raises(LotteryError, match=r"layers/dense of class Dense, which cannot"):
        kl.compact(model)
