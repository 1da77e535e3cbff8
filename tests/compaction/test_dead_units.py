"""Dead units go, constants are folded forward, and outputs stay equal."""

import keras
import numpy as np
import pytest

import keras_lottery as kl
from benchmarks.zoo import randomize
from keras_lottery.errors import LotteryError

pytestmark = pytest.mark.backend
L = keras.layers


def functional(inputs, outputs):
    return randomize(keras.Model(inputs, outputs))


def edit(layer, **changes):
    """Sets parts of weights to a value: `edit(layer, kernel=(index, 0))`."""
    for name, (index, number) in changes.items():
        variable = getattr(layer, name)
        value = np.array(keras.ops.convert_to_numpy(variable.value))
        value[index] = number
        variable.assign(value)


def shapes(model, name):
    return [tuple(w.shape) for w in model.get_layer(name).weights]


def off(*layers, units):
    """Zeroes what makes some units of convolutions, dense layers and batch norms."""
    for layer in layers:
        for name in ("kernel", "bias", "gamma", "beta"):
            if getattr(layer, name, None) is not None:
                edit(layer, **{name: ((..., units), 0)})


def test_a_constant_unit_is_folded_into_the_next_bias():
    x = keras.Input((5,))
    hidden = L.Dense(4, activation="relu", name="first")(x)
    model = functional(x, L.Dense(2, use_bias=False, name="last")(hidden))
    first, last = model.get_layer("first"), model.get_layer("last")
    edit(first, kernel=((slice(None), 1), 0), bias=(1, 0.75))
    edit(last, kernel=((1, slice(None)), [2.0, -4.0]))
    before = [np.array(w) for w in model.get_weights()]
    small = kl.compact(model)
    assert shapes(small, "first") == [(5, 3), (3,)]
    assert shapes(small, "last") == [(3, 2), (2,)]
    np.testing.assert_allclose(small.get_layer("last").get_weights()[1], [1.5, -3.0])
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights()))
    assert kl.compaction_report(small).difference <= 1e-5


def test_what_only_dead_units_need_is_dead():
    x = keras.Input((5,))
    hidden = L.Dense(6, activation="tanh", name="first")(x)
    hidden = L.Dense(4, activation="tanh", name="second")(hidden)
    model = functional(x, L.Dense(2, name="last")(hidden))
    edit(model.get_layer("last"), kernel=((slice(0, 2), slice(None)), 0))
    edit(model.get_layer("second"), kernel=((slice(0, 3), slice(2, 4)), 0))
    small = kl.compact(model)
    assert shapes(small, "first") == [(5, 3), (3,)]
    assert shapes(small, "second") == [(3, 2), (2,)]
    assert kl.compaction_report(small).flops == (2 * (30 + 24 + 8), 2 * (15 + 6 + 4))


def test_a_dead_network_keeps_one_unit_per_layer():
    x = keras.Input((5,))
    model = functional(x, L.Dense(2, name="last")(L.Dense(4, name="first")(x)))
    edit(model.get_layer("last"), kernel=(..., 0))
    small = kl.compact(model)
    assert shapes(small, "first") == [(5, 1), (1,)]
    assert kl.compaction_report(small).parameters == (34, 10)


def test_inputs_stay_and_unread_ones_are_reported():
    x = keras.Input((5,), name="features")
    model = functional(x, L.Dense(2, name="last")(x))
    edit(model.get_layer("last"), kernel=((slice(0, 3), slice(None)), 0))
    small = kl.compact(model)
    assert small.input_shape == (None, 5)
    assert list(kl.compaction_report(small).unread_inputs.values()) == [3]


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_residual_depthwise_concat_and_flatten(data_format):
    if data_format == "channels_first" and keras.backend.backend() == "tensorflow":
        pytest.skip("TensorFlow has no channels_first convolutions on CPU")
    first = data_format == "channels_first"
    axis, form = (1, {"data_format": data_format}) if first else (-1, {"data_format": data_format})
    x = keras.Input((3, 8, 8) if first else (8, 8, 3))
    a = L.Conv2D(8, 3, padding="same", use_bias=False, name="a", **form)(x)
    a = L.ReLU()(L.BatchNormalization(axis=axis, name="norm")(a))
    b = L.Conv2D(8, 3, padding="same", name="b", **form)(a)
    b = L.DepthwiseConv2D(3, padding="same", name="depthwise", **form)(b)
    y = L.Add()([a, b])
    y = L.Concatenate(axis=axis)([y, L.Conv2D(4, 1, name="c", **form)(y)])
    y = L.Flatten(**form)(L.MaxPooling2D(**form)(y))
    model = functional(x, L.Dense(5, name="last")(y))
    layer = model.get_layer
    off(layer("a"), layer("b"), layer("norm"), units=[0, 1])
    depthwise = layer("depthwise")
    edit(depthwise, kernel=((slice(None), slice(None), [0, 1]), 0), bias=([0, 1, 2], 0))
    off(layer("a"), layer("norm"), units=[2])  # alive in b: coupled units stay together
    small = kl.compact(model)
    assert shapes(small, "a") == [(3, 3, 3, 6)]
    assert shapes(small, "norm") == [(6,)] * 4
    assert shapes(small, "b") == [(3, 3, 6, 6), (6,)]
    assert shapes(small, "depthwise") == [(3, 3, 6, 1), (6,)]
    assert shapes(small, "c") == [(1, 1, 6, 4), (4,)]
    assert shapes(small, "last") == [(16 * 10, 5), (5,)]


def test_batch_norm_turns_a_constant_into_another():
    x = keras.Input((8, 8, 3))
    y = L.Conv2D(4, 3, use_bias=False, name="a")(x)
    y = L.Activation("sigmoid")(L.BatchNormalization(name="norm")(y))
    model = functional(x, L.Dense(2, name="last")(L.Conv2D(5, 3, name="b")(y)))
    edit(model.get_layer("a"), kernel=((..., 3), 0))
    edit(model.get_layer("norm"), gamma=(2, 0))
    small = kl.compact(model)
    assert shapes(small, "a") == [(3, 3, 3, 2)]
    assert shapes(small, "b") == [(3, 3, 2, 5), (5,)]


def test_a_constant_stays_where_padding_makes_it_vary():
    x = keras.Input((8, 8, 3))
    y = L.Conv2D(4, 3, name="a")(x)
    model = functional(x, L.Conv2D(5, 3, padding="same", name="b")(y))
    edit(model.get_layer("a"), kernel=((..., [0, 1]), 0), bias=(slice(0, 2), [0.5, 0.0]))
    assert shapes(kl.compact(model), "a") == [(3, 3, 3, 3), (3,)]


def test_separable_transposed_and_grouped_convolutions():
    x = keras.Input((8, 8, 4))
    y = L.SeparableConv2D(6, 3, depth_multiplier=2, padding="same", name="a")(x)
    y = L.Conv2D(6, 3, groups=3, padding="same", name="grouped")(y)
    y = L.Conv2DTranspose(4, 3, strides=2, name="up")(y)
    y = L.ZeroPadding2D()(L.UpSampling2D()(L.AveragePooling2D(2)(y)))
    model = functional(x, L.Dense(2, name="last")(L.GlobalAveragePooling2D()(y)))
    layer = model.get_layer
    edit(layer("a"), pointwise_kernel=((..., [0, 1]), 0), bias=(slice(0, 2), 0))
    off(layer("grouped"), units=[0, 1])
    edit(layer("up"), kernel=((slice(None), slice(None), 1), 0), bias=(1, 0))
    small = kl.compact(model)
    assert shapes(small, "a") == [(3, 3, 4, 2), (1, 1, 8, 4), (4,)]
    assert shapes(small, "grouped") == [(3, 3, 2, 4), (4,)]
    assert small.get_layer("grouped").groups == 2
    assert shapes(small, "up") == [(3, 3, 3, 4), (3,)]
    assert shapes(small, "last") == [(3, 2), (2,)]


def test_a_functional_model_with_operations():
    x = keras.Input((6,))
    y = keras.ops.relu(L.Dense(8, name="a")(x))
    first, second = keras.ops.split(y, 2, axis=-1)
    y = first * keras.ops.sigmoid(second) + 1.0
    y = keras.ops.reshape(L.Dense(4, name="b")(y), (-1, 4))
    model = functional(x, L.Dense(2, name="last")(y))
    off(model.get_layer("a"), units=[1, 5])
    off(model.get_layer("b"), units=[0])  # its size is in code: it stays
    small = kl.compact(model)
    assert shapes(small, "a") == [(6, 6), (6,)]
    assert shapes(small, "b") == [(3, 4), (4,)]


def test_the_result_is_a_plain_model(tmp_path):
    x = keras.Input((5,))
    hidden = L.Reshape((2, 3))(L.Dense(6, activation="relu", name="first")(x))
    hidden = L.Dense(4, activation="gelu", name="second")(L.PReLU()(L.Permute((2, 1))(hidden)))
    model = functional(x, L.Dense(2, activation="softmax")(L.Flatten()(hidden)))
    edit(model.get_layer("second"), kernel=((..., 0), 0), bias=(0, 0.5))
    model.compile("sgd", "mse")
    kl.mask(model)
    kl.prune(model, 0.5)
    small = kl.compact(model)
    assert type(small) is type(keras.Model(x, x)) and not small.compiled and model.compiled
    data = np.random.default_rng(0).normal(size=(6, 5)).astype("float32")
    expected = model.predict(data, verbose=0)
    np.testing.assert_allclose(small.predict(data, verbose=0), expected, atol=1e-5)
    small.save(tmp_path / "small.keras")
    loaded = keras.models.load_model(tmp_path / "small.keras")
    np.testing.assert_allclose(loaded.predict(data, verbose=0), expected, atol=1e-5)
    loaded.compile("adam", "mse")
    loaded.fit(data, expected, verbose=0)


def test_outputs_are_compared_in_full_precision():
    seen = []

    class Watch(L.Layer):
        def call(self, x):
            seen.append(precision())
            return x

    x = keras.Input((5,))
    model = functional(x, L.Dense(2)(Watch()(x)))
    usual = precision()
    kl.compact(model)
    full = {"jax": "highest"}.get(keras.backend.backend(), False)
    assert seen[-4:] == [full] * 4  # two batches, two models
    assert precision() == usual


def precision():
    """Returns whether products, or convolutions on torch, are rounded on a GPU; JAX's setting."""
    if keras.backend.backend() == "jax":
        import jax

        return jax.config.jax_default_matmul_precision
    if keras.backend.backend() == "torch":
        import torch

        return torch.backends.cudnn.allow_tf32
    import tensorflow as tf

    return tf.config.experimental.tensor_float_32_execution_enabled()


def test_bad_input():
    with pytest.raises(LotteryError, match="Keras model"):
        kl.compact("model")
    with pytest.raises(LotteryError, match="built"):
        kl.compact(keras.Sequential([L.Dense(2)]))
    with pytest.raises(LotteryError, match="compact returned"):
        kl.compaction_report(keras.Sequential([keras.Input((2,)), L.Dense(2)]))
    with pytest.raises(LotteryError, match="class of layers"):
        kl.register_compaction_rule(3, None)
