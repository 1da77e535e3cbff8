"""Operations of small networks, counted in the head."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_lottery.training.flops import flops, uses

pytestmark = pytest.mark.backend


def uses_of(model: keras.Model, *shape: int) -> list[int]:
    """Uses of the model's kernels in their order."""
    counts = uses(model, np.zeros((1, *shape), "float32"))
    assert counts == uses(model, np.zeros((3, *shape), "float32"))
    return [counts[id(v)] for v in model.trainable_variables if id(v) in counts]


def test_dense_weights_are_used_once_and_again_along_a_sequence():
    assert uses_of(keras.Sequential([keras.Input((4,)), layers.Dense(3)]), 4) == [1]
    assert uses_of(keras.Sequential([keras.Input((5, 4)), layers.Dense(3)]), 5, 4) == [5]


def test_convolution_weights_are_used_at_every_output_position():
    model = keras.Sequential(
        [
            keras.Input((8, 6, 3)),
            layers.Conv2D(2, 3, strides=2, padding="same"),  # 4 × 3 positions
            layers.DepthwiseConv2D(3, padding="same"),  # 4 × 3
            layers.SeparableConv2D(5, 2),  # 3 × 2, both kernels
            layers.Conv2DTranspose(2, 2, strides=2),  # at its 3 × 2 inputs
            layers.Flatten(),
            layers.Dense(1),
        ]
    )
    assert uses_of(model, 8, 6, 3) == [12, 12, 6, 6, 6, 1]


def test_recurrent_weights_are_used_every_step():
    model = keras.Sequential([keras.Input((7, 3)), layers.LSTM(4), layers.Dense(2)])
    assert uses_of(model, 7, 3) == [7, 7, 1]


def test_convolutions_are_used_every_step_at_every_place():
    layer = layers.ConvLSTM2D(4, 3, padding="same")
    assert uses_of(keras.Sequential([keras.Input((5, 8, 6, 2)), layer]), 5, 8, 6, 2) == [240, 240]


def test_a_layer_of_every_step_is_used_every_step():
    model = keras.Sequential([keras.Input((5, 4)), layers.TimeDistributed(layers.Dense(3))])
    assert uses_of(model, 5, 4) == [5]


def test_attention_projections_are_used_at_every_place():
    inputs = keras.Input((6, 8))
    attention = layers.MultiHeadAttention(2, 4)(inputs, inputs)
    assert uses_of(keras.Model(inputs, attention), 6, 8) == [6, 6, 6, 6]


def test_einsum_dense_with_an_ellipsis():
    model = keras.Sequential(
        [keras.Input((5, 2, 4)), layers.EinsumDense("...x,xy->...y", (5, 2, 3))]
    )
    assert uses_of(model, 5, 2, 4) == [10]


def test_a_shared_layer_counts_as_often_as_it_runs():
    inputs, dense = keras.Input((4,)), layers.Dense(4)
    assert uses_of(keras.Model(inputs, dense(dense(inputs))), 4) == [2]


def test_nested_models_are_looked_into():
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4)])
    assert uses_of(keras.Sequential([keras.Input((4,)), inner, layers.Dense(2)]), 4) == [1, 1]


def test_pruned_weights_are_free():
    counts = {"conv": 100, "dense": 1}
    shapes = {"conv": (3, 3, 1, 2), "dense": (8, 5)}
    assert flops(counts, shapes, {}) == 2 * (100 * 18 + 40)
    masks = {"dense": np.arange(40).reshape(8, 5) < 10}
    assert flops(counts, shapes, masks) == 2 * (100 * 18 + 10)
