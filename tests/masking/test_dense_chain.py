"""Networks that are a chain of dense layers, and networks that only look like one."""

import keras
import pytest
from keras import layers

import keras_lottery as kl
from keras_lottery import masking


def chain(model):
    return [info.chain for info in masking.describe(model) if info.kind == "kernel"]


def mlp(*before_last):
    stack = [layers.Dense(4, activation="relu"), layers.Dense(4), *before_last, layers.Dense(2)]
    return keras.Sequential([layers.Input((2, 3)), layers.Flatten(), *stack])


def branched(merge):
    inputs = keras.Input((4,))
    x = layers.Dense(4)(inputs)
    y = layers.Dense(4)(x)
    return keras.Model(inputs, merge(x, y))


def test_positions_in_a_chain_before_and_after_masking():
    model = mlp(layers.Dropout(0.1), layers.Activation("relu"))
    assert chain(model) == [0, 1, 2]
    kl.mask(model)
    assert chain(model) == [0, 1, 2]


@pytest.mark.parametrize(
    "model",
    [
        branched(lambda x, y: layers.Dense(4)(layers.Add()([x, y]))),
        branched(lambda x, y: [x, y]),
        mlp(layers.LayerNormalization()),
        keras.Sequential([layers.Input((6, 1)), layers.Conv1D(4, 3), layers.Dense(4)]),
        keras.Sequential(
            [layers.Input((2, 3)), layers.Dense(4), layers.Flatten(), layers.Dense(4)]
        ),
    ],
    ids=["sum", "two outputs", "normalization", "convolution", "positions"],
)
def test_other_networks_have_no_positions(model):
    assert set(chain(model)) == {None}


def test_a_layer_that_is_used_twice_is_no_chain():
    inputs, shared = keras.Input((4,)), layers.Dense(4)
    model = keras.Model(inputs, layers.Dense(2)(shared(shared(inputs))))
    assert set(chain(model)) == {None}
