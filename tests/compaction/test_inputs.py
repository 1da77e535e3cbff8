"""Models whose inputs have open sizes or a fixed batch size."""

import keras
import numpy as np
import pytest

import keras_lottery as kl
from benchmarks.zoo import randomize
from keras_lottery.compaction.inputs import input_specs
from keras_lottery.compaction.latency import latencies
from keras_lottery.errors import LotteryError
from tests.compaction.test_dead_units import edit, functional, off

pytestmark = pytest.mark.backend
L = keras.layers
ops = keras.ops


def pyramid(levels):
    """Returns a fully convolutional classifier that halves the image at every level."""
    x = y = keras.Input((None, None, 3))
    for _ in range(levels):
        y = L.MaxPooling2D(2)(L.Conv2D(8, 3, activation="relu")(y))
    return functional(x, L.Dense(2)(L.GlobalAveragePooling2D()(y)))


def test_images_of_open_size_are_traced_at_a_size_that_the_layers_allow():
    model = pyramid(levels=5)
    assert input_specs(model)[0].shape == (2, 128, 128, 3)
    kl.prune(model, 0.5, pattern="channels")
    small = kl.compact(model)
    assert small.count_params() < model.count_params()
    assert small.input_shape == (None, None, None, 3)


def test_the_error_names_the_sizes_that_were_tried():
    with pytest.raises(LotteryError, match=r"32, 32, 3.* or .*128, 128.* or .*256, 256.*fixed"):
        kl.compact(pyramid(levels=7))


@pytest.mark.parametrize("subclassed", [False, True])
def test_a_fixed_batch_size_of_stateful_layers(subclassed):
    layers = [L.LSTM(6, stateful=True), L.Dense(8), L.Dense(2)]
    if subclassed:
        model = Stack(layers)
        model(np.zeros((3, 5, 4), "float32"))
    else:
        model = keras.Sequential([keras.Input(batch_shape=(3, 5, 4)), *layers])
    kl.prune(model, 0.5, pattern="channels")
    small = kl.compact(model)
    assert [tuple(variable.shape) for variable in small.trainable_variables][-4:] == [
        (6, 4),
        (4,),
        (4, 2),
        (2,),
    ]


def test_a_fixed_batch_size_in_the_code():
    x = keras.Input(batch_shape=(4, 6))
    y = keras.ops.reshape(L.Dense(4)(L.Dense(8, name="hidden")(x)), (4, 2, 2))
    model = functional(x, y)
    off(model.get_layer("hidden"), units=[0, 1, 2])
    assert kl.compact(model).get_layer("hidden").units == 5


def test_an_empty_batch_fixes_no_batch_size():
    model = Stack([L.Dense(3)])
    model(np.zeros((0, 4), "float32"))
    assert input_specs(model)[0].shape == (2, 4)


@pytest.mark.parametrize("named", [False, True])
def test_a_subclassed_model_of_several_inputs(named, tmp_path):
    model = SumOfTwo()
    words, numbers = np.zeros((2, 5), "int32"), np.ones((2, 5, 4), "float32")
    arguments = [{"words": words, "numbers": numbers}] if named else [words, numbers]
    model(*arguments)
    randomize(model)
    kl.prune(model, 0.5, pattern="channels")
    small = kl.compact(model)
    assert small.second.units == 3
    expected = ops.convert_to_numpy(model(*arguments))
    np.testing.assert_allclose(ops.convert_to_numpy(small(*arguments)), expected, 1e-5, 1e-6)
    small.save(tmp_path / "small.keras")
    loaded = keras.models.load_model(tmp_path / "small.keras")
    np.testing.assert_allclose(ops.convert_to_numpy(loaded(*arguments)), expected, 1e-5, 1e-6)
    assert np.isfinite(latencies([model, small], 3)).all()


def test_unused_features_of_several_arguments_are_reported_by_position():
    model = SumOfTwo()
    model(np.zeros((2, 5), "int32"), np.ones((2, 5, 4), "float32"))
    edit(model.second, kernel=([0, 1], 0))
    assert kl.compaction_report(kl.compact(model)).unread_inputs == {"1": 2}


def test_errors_of_keras_are_quoted_without_colors():
    class Broken(L.Layer):
        def call(self, x):
            if isinstance(x, keras.KerasTensor):
                return x
            raise ValueError("no such kernel")

        def compute_output_shape(self, input_shape):
            return input_shape

    x = keras.Input((5,))
    model = keras.Model(x, Broken()(x))
    with pytest.raises(LotteryError, match=r"calling Broken.call\(\)\. no such kernel\.") as caught:
        kl.compact(model)
    assert "x1b" not in str(caught.value)


@keras.saving.register_keras_serializable("compaction_tests")
class SumOfTwo(keras.Model):
    """Takes words and numbers as two arguments, or as a dict."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = L.Embedding(11, 6)
        self.second = L.Dense(6, activation="relu")
        self.last = L.Dense(2)

    def build(self, words_shape, numbers_shape=None):
        words, numbers = words_shape, numbers_shape
        if numbers is None:
            words, numbers = words_shape["words"], words_shape["numbers"]
        self.first.build(words)
        self.second.build(numbers)
        self.last.build((None, 5, 6))

    def call(self, words, numbers=None):
        if numbers is None:
            words, numbers = words["words"], words["numbers"]
        return self.last(self.first(words) + self.second(numbers))


@keras.saving.register_keras_serializable("compaction_tests")
class Stack(keras.Model):
    def __init__(self, stack, **kwargs):
        super().__init__(**kwargs)
        self.stack = stack

    def build(self, shape):
        for layer in self.stack:
            layer.build(shape)
            shape = layer.compute_output_shape(shape)

    def call(self, x):
        for layer in self.stack:
            x = layer(x)
        return x

    def get_config(self):
        layers = [keras.saving.serialize_keras_object(layer) for layer in self.stack]
        return {**super().get_config(), "stack": layers}

    @classmethod
    def from_config(cls, config):
        layers = map(keras.saving.deserialize_keras_object, config.pop("stack"))
        return cls(list(layers), **config)
