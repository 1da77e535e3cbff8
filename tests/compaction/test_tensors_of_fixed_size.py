"""Tensors that don't come from the inputs: learned tokens and queries, grids, constants."""

import keras
import numpy as np
import pytest

import keras_lottery as kl
from tests.compaction.test_dead_units import edit, functional, off, shapes
from tests.compaction.zoo import switch_off

pytestmark = pytest.mark.backend
L = keras.layers
ops = keras.ops


class WithToken(L.Layer):
    """Puts a learned token in front of a sequence."""

    def build(self, shape):
        self.token = self.add_weight(shape=(1, 1, shape[-1]), name="token")

    def call(self, x):
        return ops.concatenate([ops.tile(self.token, (x.shape[0], 1, 1)), x], axis=1)


class WithGrid(L.Layer):
    """Adds a channel of coordinates to an image, before or behind the others."""

    def __init__(self, first, **kwargs):
        super().__init__(**kwargs)
        self.first = first

    def call(self, x):
        grid = ops.broadcast_to(ops.linspace(-1.0, 1.0, x.shape[2])[:, None], (*x.shape[:-1], 1))
        return ops.concatenate([grid, x] if self.first else [x, grid], axis=-1)

    def get_config(self):
        return {**super().get_config(), "first": self.first}


class LearnedQueries(L.Layer):
    """Reads a sequence with as many queries as it has weights for."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.attention = L.MultiHeadAttention(4, 2)

    def build(self, shape):
        self.queries = self.add_weight(shape=(1, 3, 8), name="queries")
        self.attention.build((shape[0], 3, 8), shape)

    def call(self, x):
        return self.attention(ops.tile(self.queries, (x.shape[0], 1, 1)), x)


class StackedWithOnes(L.Layer):
    def call(self, x):
        return ops.stack([x, np.ones(x.shape, "float32")], axis=1)


def with_token():
    x = keras.Input(batch_shape=(2, 5, 4))
    return x, L.GlobalAveragePooling1D()(WithToken()(L.Dense(6, name="first")(x)))


def with_grid(first):
    x = keras.Input(batch_shape=(2, 6, 6, 4))
    y = WithGrid(first)(L.Conv2D(6, 1, name="first")(x))
    return x, L.GlobalAveragePooling2D()(L.Conv2D(5, 3, name="second")(y))


def with_queries():
    x = keras.Input(batch_shape=(2, 5, 3))
    return x, LearnedQueries(name="learned")(L.Dense(6, name="first")(x))


def with_ones():
    x = keras.Input(batch_shape=(2, 4))
    return x, L.Flatten()(StackedWithOnes()(L.Dense(6, name="first")(x)))


@pytest.mark.parametrize(
    "build",
    [with_token, lambda: with_grid(True), lambda: with_grid(False), with_queries, with_ones],
    ids=["token", "grid before", "grid behind", "queries", "ones"],
)
def test_a_model_with_such_a_tensor_loses_its_dead_channels(build):
    x, y = build()
    model = functional(x, L.Dense(2)(y))
    predicted = switch_off(model)
    small = kl.compact(model)
    assert small.count_params() == predicted
    assert not kl.compaction_report(small).pinned


@pytest.mark.parametrize("build", [with_token, with_ones])
def test_channels_joined_with_such_a_tensor_keep_their_size(build):
    x, y = build()
    model = functional(x, L.Dense(2)(y))
    off(model.get_layer("first"), units=[0, 3])
    assert shapes(kl.compact(model), "first") == [(4, 6), (6,)]


@pytest.mark.parametrize("first", [True, False])
def test_the_mask_of_a_pruned_channel_covers_its_index_behind_the_grid(first):
    x, y = with_grid(first)
    model = functional(x, L.Dense(2)(y))
    kl.prune(model, 0.5, pattern="channels", include=("*/conv2d/*",))
    masks = kl.get_masks(model)
    kept = masks["layers/conv2d/bias"]
    assert kept.sum() == 3
    read = masks["layers/conv2d_1/kernel"][0, 0].all(axis=1)
    np.testing.assert_array_equal(read, [True, *kept] if first else [*kept, True])


def test_queries_of_fixed_size_leave_whole_heads_to_remove():
    x, y = with_queries()
    model = functional(x, L.Dense(2)(y))
    edit(model.get_layer("learned").attention._output_dense, kernel=([1, 3], 0))
    assert kl.compact(model).get_layer("learned").attention.num_heads == 2
