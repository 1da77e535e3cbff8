"""Channels that pass through wrappers, group normalization and operations of keras.ops."""

import keras
import numpy as np
import pytest

import keras_lottery as kl
from keras_lottery.errors import LotteryError
from tests.compaction.test_dead_units import edit, functional, off, shapes

pytestmark = pytest.mark.backend
L = keras.layers


def test_whole_groups_of_a_group_normalization():
    x = keras.Input((4, 4, 3))
    y = L.GroupNormalization(4, name="norm")(L.Conv2D(8, 1, name="a")(x))
    model = functional(x, L.Conv2D(2, 1, name="last")(y))
    norm = model.get_layer("norm")
    edit(norm, beta=(slice(None), np.arange(8.0)))  # a group of zeros becomes its shift
    off(model.get_layer("a"), units=[2, 3, 4])  # the second group, and half of the third
    small = kl.compact(model)
    assert shapes(small, "a") == [(1, 1, 3, 6), (6,)]
    assert shapes(small, "norm") == [(6,), (6,)]
    assert small.get_layer("norm").groups == 3
    assert shapes(small, "last") == [(1, 1, 6, 2), (2,)]


def test_layers_applied_to_each_step(tmp_path):
    x = keras.Input((3, 5))
    inner = keras.Sequential([keras.Input((6,)), L.Dense(4), L.BatchNormalization()])
    y = L.TimeDistributed(L.Dense(6, activation="relu"), name="each")(x)
    model = functional(x, L.Dense(2, name="last")(L.TimeDistributed(inner, name="both")(y)))
    off(model.get_layer("each").layer, units=[0, 1])
    off(*inner.layers, units=[3])
    small = kl.compact(model)
    assert shapes(small, "each") == [(5, 4), (4,)]
    assert shapes(small, "both")[:2] == [(4, 3), (3,)]
    assert kl.compaction_report(small).flops == (2 * 3 * (30 + 24 + 8), 2 * 3 * (20 + 12 + 6))
    small.save(tmp_path / "small.keras")
    loaded = keras.models.load_model(tmp_path / "small.keras")
    assert type(loaded.get_layer("each")) is L.TimeDistributed  # a file of Keras alone
    assert shapes(loaded, "each") == [(5, 4), (4,)]


def test_stacked_repeated_flipped_and_chosen():
    ops = keras.ops
    x = keras.Input((4, 5))
    y = ops.repeat(ops.flip(L.Dense(6, name="a")(x), axis=1), 2, axis=-1)
    y = ops.where(y > 0, y, 0.5 * y)
    first, second = ops.unstack(ops.stack([y, -y], axis=1), 2, axis=1)
    y = ops.var(first, axis=1) + ops.max(second, axis=1)
    model = functional(x, L.Dense(2, name="last")(y))
    off(model.get_layer("a"), units=[0, 4])
    small = kl.compact(model)
    assert shapes(small, "a") == [(5, 4), (4,)]
    assert shapes(small, "last") == [(8, 2), (2,)]


def test_an_operation_that_mixes_channels_keeps_them():
    x = keras.Input((4, 5))
    y = keras.ops.flip(L.Dense(6, name="a")(x), axis=-1)
    model = functional(x, L.Dense(2, name="last")(y))
    off(model.get_layer("a"), units=[0])
    small = kl.compact(model)
    assert shapes(small, "a") == [(5, 6), (6,)]
    assert "(Flip) has no rule" in kl.compaction_report(small).pinned[0]


class Bounded(L.Layer):
    def call(self, x):
        return keras.ops.clip(x, 0.0, np.arange(6, dtype="float32"))


@pytest.mark.parametrize(
    ("operation", "remaining", "without_rule"),
    [
        (keras.ops.relu, 5, []),
        (keras.ops.log1p, 5, []),  # not a number below -1
        (keras.ops.tril, 6, ["(Tril)"]),
        (Bounded(), 6, ["(Clip)"]),
    ],
    ids=["relu", "log1p", "tril", "clip"],
)
def test_an_operation_that_depends_on_the_index_keeps_channels(operation, remaining, without_rule):
    x = keras.Input((4, 5))
    y = operation(L.Dense(6, name="a")(x))
    model = functional(x, L.Dense(2, name="last")(y))
    off(model.get_layer("a"), units=[0])
    small = kl.compact(model)
    assert shapes(small, "a") == [(5, remaining), (remaining,)]
    assert [reason.split()[1] for reason in kl.compaction_report(small).pinned] == without_rule


def test_a_model_that_fails_on_data():
    class Broken(L.Layer):
        def call(self, x):
            if not isinstance(x, keras.KerasTensor):
                raise ValueError("no such kernel")
            return x

        def compute_output_shape(self, input_shape):
            return input_shape

    x = keras.Input((5,))
    with pytest.raises(LotteryError, match=r"runs on random inputs.*no such kernel"):
        kl.compact(keras.Model(x, Broken()(L.Dense(2)(x))))


def test_words_as_inputs():
    if keras.backend.backend() != "tensorflow":
        pytest.skip("only TensorFlow has strings")
    x = keras.Input((3,), dtype="string")
    y = L.Embedding(4, 6, name="table")(L.StringLookup(vocabulary=["a", "b", "c"])(x))
    model = functional(x, L.Dense(2, name="last")(L.Flatten()(y)))
    edit(model.get_layer("table"), embeddings=((slice(None), 1), 0))
    assert shapes(kl.compact(model), "table") == [(4, 5)]


def test_words_of_open_length_are_traced_at_a_length_that_the_layers_allow():
    words = keras.Input((None,), dtype="int32")
    y = L.Embedding(50, 8)(words)
    y = L.Conv1D(16, 7, strides=3)(L.Conv1D(16, 7, strides=3, name="first")(y))
    model = functional(words, L.Dense(4)(L.GlobalMaxPooling1D()(y)))
    kl.prune(model, 0.5, pattern="channels")
    small = kl.compact(model)
    assert small.count_params() < model.count_params()
    assert kl.compaction_report(small).difference < 1e-5


def test_a_scale_for_each_channel_keeps_its_channels():
    x = keras.Input((6, 6, 3))
    y = L.Rescaling([1.0, 2.0, 3.0, 4.0])(L.Conv2D(4, 3, name="before")(x))
    y = L.Rescaling(0.5)(L.Conv2D(6, 3, activation="relu", name="after")(y))
    model = functional(x, L.Dense(2)(L.GlobalAveragePooling2D()(y)))
    off(model.get_layer("before"), units=[1])
    off(model.get_layer("after"), units=[0, 1])
    small = kl.compact(model)
    assert shapes(small, "before")[0] == (3, 3, 3, 4)
    assert shapes(small, "after")[0] == (3, 3, 4, 4)


@pytest.mark.parametrize("fill", [0.0, 1.0])
def test_a_constant_survives_padding_to_an_aspect_ratio_if_it_is_the_fill_value(fill):
    x = keras.Input((6, 6, 3))
    y = L.Conv2D(8, 1, activation="relu", name="a")(x)
    y = L.Resizing(12, 6, pad_to_aspect_ratio=True, fill_value=fill)(y)
    model = functional(x, L.Conv2D(2, 3, name="last")(y))
    edit(model.get_layer("a"), kernel=((..., [0, 1, 2]), 0), bias=([0, 1, 2], 1))
    edit(model.get_layer("a"), kernel=((..., [3, 4]), 0), bias=([3, 4], 0))
    removed = 3 if fill else 2
    assert shapes(kl.compact(model), "a") == [(1, 1, 3, 8 - removed), (8 - removed,)]


@pytest.mark.parametrize(
    ("arguments", "remaining"),
    [
        ({}, 5),
        ({"mode": "reflect"}, 5),
        ({"constant_values": 0.0}, 5),
        ({"constant_values": 1.0}, 8),
    ],
)
def test_a_dead_channel_that_is_padded_with_another_value_stays(arguments, remaining):
    x = keras.Input((6, 6, 3))
    y = L.Conv2D(8, 3, use_bias=False, activation="relu", name="a")(x)
    y = keras.ops.pad(y, ((0, 0), (1, 1), (1, 1), (0, 0)), **arguments)
    model = functional(x, L.Conv2D(2, 3, name="last")(y))
    off(model.get_layer("a"), units=[0, 1, 2])
    assert shapes(kl.compact(model), "a") == [(3, 3, 3, remaining)]
