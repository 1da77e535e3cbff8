"""Fresh draws of a model's weights."""

import keras
import numpy as np
import pytest

from keras_lottery import backend, masking, toolkit
from keras_lottery.masking.copying import fresh_initializers
from keras_lottery.tasks.seeding import draw, seeded
from tests.keras_features import needs_schedule_free

pytestmark = pytest.mark.backend


@keras.saving.register_keras_serializable("tests")
class Half(keras.Initializer):
    """Wraps another initializer."""

    def __init__(self, inner):
        self.inner = keras.initializers.get(inner)

    def __call__(self, shape, dtype=None):
        return self.inner(shape, dtype) / 2

    def get_config(self):
        return {"inner": keras.saving.serialize_keras_object(self.inner)}


@keras.saving.register_keras_serializable("tests")
class Numpy(keras.Initializer):
    def __init__(self, seed=2):
        self.seed = seed

    def __call__(self, shape, dtype=None):
        return np.random.default_rng(self.seed).normal(size=shape).astype("float32")


class HardCoded(keras.Model):
    """Has an initializer that no config knows of."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.dense = keras.layers.Dense(
            3, kernel_initializer=Numpy(3), bias_initializer=keras.initializers.Constant(0.5)
        )

    def call(self, x):
        return self.dense(x)


def dense_layers(*initializers):
    layers = [keras.layers.Dense(6, kernel_initializer=i) for i in initializers]
    return keras.Sequential([keras.Input((6,)), *layers, keras.layers.Dense(3)])


def test_fresh_weights_differ_where_initializers_have_seeds():
    orthogonal = keras.initializers.Orthogonal(seed=keras.random.SeedGenerator(4))
    shared = keras.initializers.GlorotUniform(seed=1)
    stay = keras.initializers.Identity(), "zeros"
    nested = dense_layers(shared, shared, Half(shared), orthogonal, Numpy(2), *stay)
    custom = HardCoded()
    custom(np.zeros((1, 6)))
    for original in (nested, custom):
        with seeded(1):
            one = masking.fresh_weights(original)
        with seeded(1):
            again = masking.fresh_weights(original)
        for path, value in masking.get_weights(original).items():
            is_fixed = path.endswith("bias") or any(f"dense_{i}/" in path for i in (5, 6))
            assert (one[path] == value).all() == is_fixed, path
            assert (one[path] == again[path]).all()
    drawn = draw(lambda: dense_layers(shared), 1)
    assert (drawn["layers/dense/kernel"] != nested.get_weights()[0]).all()


def test_initializers_with_seeds_get_others_and_layers_are_as_before():
    before = keras.Layer.add_weight
    fixed = keras.initializers.GlorotUniform(seed=1)
    with fresh_initializers():
        layer = keras.layers.Dense(4, kernel_initializer=fixed)
        layer.build((None, 4))
    assert keras.Layer.add_weight is before
    other = keras.layers.Dense(4, kernel_initializer=fixed)
    other.build((None, 4))
    assert (np.array(layer.kernel) != np.array(other.kernel)).any()
    assert fixed.seed == 1


def test_blank_initializers_draw_nothing_and_keep_constants():
    with masking.blank_initializers():
        layer = keras.layers.Dense(3, bias_initializer=keras.initializers.Constant(2.0))
        layer.build((None, 5))
    kernel, bias = map(keras.ops.convert_to_numpy, (layer.kernel, layer.bias))
    assert kernel.shape == (5, 3) and not kernel.any() and (bias == 2).all()
    kept = np.arange(15, dtype="float32").reshape(5, 3)
    value = backend.aligned_zeros((5, 3), "float32")
    value[:] = kept
    layer.kernel.assign(backend.tensor_of(value))
    assert value.ctypes.data % 64 == 0
    assert np.array_equal(keras.ops.convert_to_numpy(layer.kernel), kept)


@needs_schedule_free
def test_an_optimizer_that_copies_the_weights_follows_those_of_a_copy(mlp, data, compiled):
    tiny = keras.optimizers.ScheduleFreeAdamW(1e-8)
    copied = toolkit.mask(compiled(mlp(), tiny), in_place=False)
    before = masking.get_weights(copied)
    copied.fit(*data, verbose=0)
    for path, weights in masking.get_weights(copied).items():
        if "moving_" not in path:
            np.testing.assert_allclose(weights, before[path], atol=1e-5, err_msg=path)
