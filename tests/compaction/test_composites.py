"""Recurrent layers, attention, composite layers and subclassed models."""

import keras
import numpy as np
import pytest

import keras_lottery as kl
from keras_lottery.compaction.composites import config_of
from keras_lottery.compaction.trace import trace
from keras_lottery.errors import LotteryError
from tests.compaction.test_dead_units import edit, functional, off, shapes

pytestmark = pytest.mark.backend
L = keras.layers


@keras.saving.register_keras_serializable("compaction_tests")
class Feedforward(L.Layer):
    """A composite layer whose constructor can't express the size inside."""

    def __init__(self, width, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.hidden = L.Dense(width, activation="relu")
        self.out = L.Dense(4)

    def build(self, input_shape):
        self.hidden.build(input_shape)
        self.out.build((*input_shape[:-1], self.width))

    def call(self, x):
        return x + self.out(self.hidden(x))

    def get_config(self):
        return {**super().get_config(), "width": self.width}


@keras.saving.register_keras_serializable("compaction_tests")
class Subclassed(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.encoder = keras.Sequential([keras.Input((6,)), L.Dense(8, activation="relu")])
        self.decoder = keras.Sequential([keras.Input((8,)), L.Dense(3)])

    def call(self, x):
        return self.decoder(self.encoder(x))


@keras.saving.register_keras_serializable("compaction_tests")
class Twice(keras.Model):
    """A model whose two functional models share a layer, as detectors and their backbones do."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        x = keras.Input((6,))
        y = L.Dense(8, activation="relu")(x)
        self.first = keras.Model(x, y)
        self.whole = keras.Model(x, L.Dense(3)(y))

    def call(self, x):
        return self.whole(x) + keras.ops.mean(self.first(x), axis=-1, keepdims=True)


@keras.saving.register_keras_serializable("compaction_tests")
class Widened(L.Layer):
    """A composite layer that tells its output's size by its constructor's."""

    def __init__(self, width, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.inner = L.Dense(width)

    def build(self, input_shape):
        self.inner.build(input_shape)

    def call(self, x):
        return self.inner(x)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.width)

    def get_config(self):
        return {**super().get_config(), "width": self.width}


@keras.saving.register_keras_serializable("compaction_tests")
class Sorted(L.Layer):
    def call(self, x):
        return keras.ops.sort(x, axis=-1)


def gates(layer, units, count, block=None):
    """Returns the columns of some units in the kernels of a recurrent layer."""
    blocks = range(count) if block is None else [block]
    return [layer.units * gate + unit for gate in blocks for unit in units]


def silence(layer, units, count, block):
    """Zeroes what writes the states of some units."""
    columns = gates(layer, units, count, block)
    edit(layer.cell, kernel=((slice(None), columns), 0), bias=((..., columns), 0))
    edit(layer.cell, recurrent_kernel=((slice(None), columns), 0))


def test_units_of_recurrent_layers_go_with_all_gates():
    x = keras.Input((5,), dtype="int32")
    y = L.Embedding(11, 6, name="table")(x)
    y = L.LSTM(6, return_sequences=True, name="lstm")(y)
    y = L.Bidirectional(L.GRU(5, return_sequences=True), name="both")(y)
    model = functional(x, L.Dense(3, name="last")(L.SimpleRNN(4, name="simple")(y)))
    layer = model.get_layer
    edit(layer("table"), embeddings=((slice(None), 2), 0.5))
    silence(layer("lstm"), [0, 3], 4, 2)
    # Units go in pairs, since Keras takes both directions to be equally wide.
    silence(layer("both").forward_layer, [0, 1, 2], 3, 2)
    silence(layer("both").backward_layer, [0, 2], 3, 2)
    silence(layer("simple"), [3], 1, 0)
    small = kl.compact(model)
    assert shapes(small, "table") == [(11, 5)]
    assert shapes(small, "lstm") == [(5, 16), (4, 16), (16,)]
    assert shapes(small, "both") == [(4, 9), (3, 9), (2, 9)] * 2
    assert shapes(small, "simple") == [(6, 3), (3, 3), (3,)]


def test_a_loop_that_nothing_reads_is_dead():
    x = keras.Input((5, 3))
    model = functional(x, L.Dense(2, name="last")(L.LSTM(6, name="lstm")(x)))
    edit(model.get_layer("last"), kernel=(([4, 5], slice(None)), 0))
    lstm = model.get_layer("lstm")
    others = gates(lstm, range(4), 4)
    edit(lstm.cell, recurrent_kernel=(np.ix_([4, 5], others), 0))
    assert shapes(kl.compact(model), "lstm") == [(3, 16), (4, 16), (16,)]


def test_states_couple_encoder_and_decoder():
    x, y = keras.Input((5, 3)), keras.Input((4, 3))
    _, state = L.GRU(6, return_state=True, name="encoder")(x)
    decoded = L.GRU(6, name="decoder")(y, initial_state=state)
    model = functional([x, y], L.Dense(2, name="last")(decoded))
    edit(model.get_layer("last"), kernel=((0, slice(None)), 0))
    decoder = model.get_layer("decoder")
    others = gates(decoder, range(1, 6), 3)
    edit(decoder.cell, recurrent_kernel=(np.ix_([0], others), 0))
    encoder = model.get_layer("encoder")
    edit(encoder.cell, recurrent_kernel=(np.ix_([0], others), 0))
    small = kl.compact(model)
    assert small.get_layer("encoder").units == small.get_layer("decoder").units == 5


def test_whole_heads_go():
    x = keras.Input((5, 8))
    attention = L.MultiHeadAttention(4, 2, name="heads")
    y = attention(x, x, use_causal_mask=True)
    grouped = L.GroupQueryAttention(4, 4, 2, name="grouped")(y, y)
    model = functional(x, L.Dense(2, name="last")(grouped))
    edit(attention._value_dense, kernel=((slice(None), 1), 0), bias=(1, 0.5))  # constant
    edit(attention._output_dense, kernel=(3, 0))
    edit(model.get_layer("grouped")._output_dense, kernel=(slice(2, 4), 0))
    small = kl.compact(model)
    assert small.get_layer("heads").num_heads == 2
    assert shapes(small, "heads")[0] == (8, 2, 2)
    assert small.get_layer("grouped").num_query_heads == 2
    assert small.get_layer("grouped").num_key_value_heads == 1


def test_composite_layers_save_and_load(tmp_path):
    x = keras.Input((4,))
    model = functional(x, L.Dense(2, name="last")(Feedforward(6, name="block")(x)))
    off(model.get_layer("block").hidden, units=[0, 1])
    small = kl.compact(model)
    assert shapes(small, "block") == [(4, 4), (4,), (4, 4), (4,)]
    small.save(tmp_path / "small.keras")
    loaded = keras.models.load_model(tmp_path / "small.keras")
    assert shapes(loaded, "block") == shapes(small, "block")
    data = np.ones((3, 4), "float32")
    np.testing.assert_allclose(
        loaded.predict(data, verbose=0), model.predict(data, verbose=0), 1e-5
    )
    again = kl.compact(loaded)
    assert again.count_params() == small.count_params()


def test_subclassed_models_keep_their_class(tmp_path):
    model = Subclassed()
    data = np.random.default_rng(0).normal(size=(4, 6)).astype("float32")
    expected = np.array(keras.ops.convert_to_numpy(model(data)))
    off(model.encoder.layers[0], units=[1, 2])
    expected = model.predict(data, verbose=0)
    small = kl.compact(model)
    assert isinstance(small, Subclassed)
    assert [tuple(w.shape) for w in small.weights] == [(6, 6), (6,), (6, 3), (3,)]
    small.save(tmp_path / "small.keras")
    loaded = keras.models.load_model(tmp_path / "small.keras")
    np.testing.assert_allclose(loaded.predict(data, verbose=0), expected, rtol=1e-5, atol=1e-6)
    loaded.compile("sgd", "mse")
    loaded.fit(data, expected, verbose=0)


def test_layers_that_two_models_share_stay_shared(tmp_path):
    model = Twice()
    data = np.ones((2, 6), "float32")
    model(data)
    edit(model.whole.layers[-1], kernel=([1, 2], 0))  # read by the mean alone
    off(model.first.layers[1], units=[0])
    small = kl.compact(model)
    assert small.count_params() == kl.compaction_report(small).parameters[1]
    assert small.first.layers[1] is small.whole.layers[1]
    small.save(tmp_path / "small.keras")
    loaded = keras.models.load_model(tmp_path / "small.keras")
    assert loaded.count_params() == small.count_params()
    assert loaded.first.layers[1] is loaded.whole.layers[1]


def test_a_composite_layer_that_tells_its_size_by_its_constructor(tmp_path):
    x = keras.Input((4,))
    model = functional(x, L.Dense(2, name="last")(Widened(6, name="wide")(x)))
    off(model.get_layer("wide").inner, units=[0, 1])
    small = kl.compact(model)
    assert shapes(small, "wide") == [(4, 4), (4,)]
    small.save(tmp_path / "small.keras")
    assert shapes(keras.models.load_model(tmp_path / "small.keras"), "last") == [(4, 2), (2,)]


def test_a_wrapper_that_asks_such_a_layer_for_its_shape(tmp_path):
    x = keras.Input((3, 4))
    wide = L.TimeDistributed(Widened(6), name="wide")
    model = functional(x, L.Dense(2, name="last")(L.Flatten()(wide(x))))
    kl.prune(model, 0.5, pattern="channels")
    kl.compact(model).save(tmp_path / "small.keras")
    small = keras.models.load_model(tmp_path / "small.keras")
    assert small.get_layer("wide").compute_output_shape((None, 3, 4)) == (None, 3, 3)
    assert shapes(small, "last") == [(9, 2), (2,)]
    data = np.ones((2, 3, 4), "float32")
    expected = kl.strip(model).predict(data, verbose=0)
    np.testing.assert_allclose(small.predict(data, verbose=0), expected, 1e-5, 1e-6)
    off(small.get_layer("wide").layer.inner, units=[1])
    assert shapes(kl.compact(small), "wide") == [(4, 2), (2,)]


def test_the_config_of_a_layer_without_get_config():
    class Plain(L.Layer):
        def __init__(self, width, initializer=None, **kwargs):
            super().__init__(**kwargs)
            self.width = width
            self._initializer = initializer

    class Hidden(L.Layer):
        def __init__(self, size, function, **kwargs):
            super().__init__(**kwargs)

    ones = keras.initializers.Constant(2.0)
    again = Plain.from_config(config_of(Plain(3, initializer=ones, name="a")))
    assert (again.name, again.width) == ("a", 3)
    with pytest.raises(LotteryError, match="neither get_config nor an attribute 'function'"):
        config_of(Hidden(3, function=print))


def test_operations_without_a_rule_pin_their_units():
    x = keras.Input((4,))
    y = L.Dense(6, name="first")(x)
    model = functional(x, L.Dense(2, name="last")(Sorted(name="sorted")(y)))
    off(model.get_layer("first"), units=[0])
    small = kl.compact(model)
    assert shapes(small, "first") == [(4, 6), (6,)]
    (reason,) = kl.compaction_report(small).pinned
    assert "Sort" in reason
    assert reason in str(kl.compaction_report(small))
    with pytest.raises(LotteryError, match="strict=True"):
        kl.compact(model, strict=True)


def test_a_wrong_rule_is_caught():
    class Scaled(L.Layer):
        def call(self, x):
            return x / x.shape[-1]

    x = keras.Input((4,))
    y = L.Dense(6, name="first")(x)
    model = functional(x, L.Dense(2, name="last")(Scaled()(y)))
    off(model.get_layer("first"), units=[0])
    with pytest.raises(LotteryError, match="Expected equal outputs"):
        kl.compact(model)

    def keep(call):
        call.pin("it divides by its size")

    kl.register_compaction_rule(Scaled, keep)
    assert shapes(kl.compact(model), "first") == [(4, 6), (6,)]


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (lambda call: call.weigth, "rule of layers/shift .*no attribute 'weigth'"),
        (lambda call: call.weight("shift", (np.arange(2),)), "2 units for axis 0 of .*/shift"),
    ],
)
def test_a_rule_that_fails_is_named(rule, reason):
    class Shift(L.Layer):
        def build(self, shape):
            self.shift = self.add_weight(shape=(shape[-1],))

        def call(self, x):
            return x + self.shift

    kl.register_compaction_rule(Shift, rule)
    x = keras.Input((5,))
    model = functional(x, L.Dense(2)(Shift()(L.Dense(3)(x))))
    with pytest.raises(LotteryError, match=reason):
        kl.compact(model)


def test_a_weight_that_code_reads_elsewhere_stays_whole():
    class Tied(L.Layer):
        def __init__(self, source, **kwargs):
            super().__init__(**kwargs)
            self.source = source

        def call(self, x):
            return keras.ops.matmul(x, self.source.kernel)

    source = L.Dense(4, name="source")
    layer = Tied(source)
    x = keras.Input((4,))
    model = functional(x, L.Dense(2, name="last")(layer(source(x))))
    off(source, units=[0])
    reasons = {pin.reason for pin in trace(model).pins}
    assert any("also reads it" in reason for reason in reasons)


@keras.saving.register_keras_serializable("compaction_tests")
class Autoencoder(keras.Model):
    """A model whose decoder is the transposed kernel of its last layer."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = L.Dense(6, activation="relu")
        self.a = L.Dense(5)
        self.b = L.Dense(4)

    def call(self, x):
        h = self.b(self.a(self.first(x)))
        return keras.ops.matmul(h, keras.ops.transpose(self.b.kernel))


def test_a_weight_that_code_reads_before_an_operation_stays_whole():
    model = Autoencoder()
    model(np.ones((2, 3), "float32"))
    off(model.first, units=[0])
    off(model.a, units=[1])
    off(model.b, units=[2])
    small = kl.compact(model)
    sizes = [layer.units for layer in (small.first, small.a, small.b)]
    assert sizes == [5, 5, 4]
    model = Autoencoder()
    model(np.ones((2, 3), "float32"))
    kl.prune(model, 0.5, pattern="channels")
    assert kl.compact(model).first.units == 3
