"""Dead units go, constants are folded forward, and outputs stay equal."""

import keras
import numpy as np
import pytest

import keras_lottery as kl
from benchmarks.zoo import randomize
from keras_lottery.errors import LotteryError
from tests import fresh

pytestmark = pytest.mark.backend
L = keras.layers


@pytest.fixture(autouse=True)
def fresh_seeds():
    keras.utils.set_random_seed(0)


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


def test_shared_and_nested_layers_and_several_inputs():
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    shared = L.Dense(6, activation="relu", name="shared")
    z = keras.Input((6,))
    inner = keras.Model(z, L.Dense(5, name="inner")(L.Dense(7, name="deep")(z)), name="nested")
    total = L.Average()([inner(shared(a)), inner(shared(b))])
    model = functional([a, b], L.Dense(2, name="last")(total))
    deep, last = model.get_layer("nested").get_layer("deep"), model.get_layer("last")
    off(model.get_layer("shared"), units=[0])
    edit(deep, kernel=((..., 2), 0))  # constant: its bias stays
    edit(last, kernel=((4, slice(None)), 0))
    small = kl.compact(model)
    assert shapes(small, "shared") == [(4, 5), (5,)]
    assert shapes(small.get_layer("nested"), "deep") == [(5, 6), (6,)]
    assert shapes(small.get_layer("nested"), "inner") == [(6, 4), (4,)]


@pytest.mark.parametrize("silenced", [0, 2])
@pytest.mark.parametrize("fixed_first", [True, False])
def test_a_shared_layer_that_reads_an_axis_without_units_in_one_call(fixed_first, silenced):
    x = keras.Input((5, 5))
    swap, shared = L.Permute((2, 1)), L.Dense(5, name="shared")  # swapped, the last axis has none
    y = shared(swap(x)) if fixed_first else swap(x)
    y = L.Dense(6, activation="relu", name="hidden")(y)
    y = shared(L.Dense(5, name="between")(y))
    model = functional(x, y if fixed_first else shared(swap(y)))
    off(model.get_layer("hidden"), units=range(silenced))
    small = kl.compact(model)
    assert shapes(small, "hidden") == [(5, 6 - silenced), (6 - silenced,)]
    assert shapes(small, "between") == [(6 - silenced, 5), (5,)]


@pytest.mark.parametrize(
    "build",
    [lambda: L.Reshape((1, 1, 6)), lambda: L.GroupNormalization(3, scale=False, center=False)],
    ids=["reshape", "groups"],
)
def test_a_shared_layer_without_weights_loses_what_is_dead_in_all_calls(build):
    x, shared = keras.Input((3,)), build()
    parts = [shared(L.Dense(6, name=name)(x)) for name in ("first", "second")]
    model = functional(x, L.Dense(2)(L.Flatten()(L.Concatenate()(parts))))
    off(model.get_layer("first"), units=[0, 1, 2, 3])
    off(model.get_layer("second"), units=[2, 3, 4, 5])
    small = kl.compact(model)
    assert shapes(small, "first") == shapes(small, "second") == [(3, 4), (4,)]


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


def test_a_layer_that_only_takes_its_original_size_is_named():
    x = keras.Input((5,))
    y = L.Dense(4, name="first", kernel_initializer=lambda shape, dtype: np.ones((5, 4)))(x)
    model = functional(x, L.Dense(2)(y))
    off(model.get_layer("first"), units=[0])
    with pytest.raises(LotteryError, match=r"layers/dense of class Dense, which cannot"):
        kl.compact(model)


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
