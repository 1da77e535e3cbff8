"""Whole models with half of their channel groups zeroed shrink to the predicted size."""

import keras
import pytest

import keras_lottery as kl
from tests.compaction.zoo import application, randomize, switch_off

pytestmark = pytest.mark.backend


def check(model):
    predicted = switch_off(model)
    small = kl.compact(model)
    assert predicted < 0.9 * model.count_params()
    assert abs(small.count_params() - predicted) <= 0.01 * predicted
    assert kl.compaction_report(small).difference <= 1e-5
    return small


def bottlenecks(x, width):
    """A MobileNet-like network with squeeze and excitation."""
    layers = keras.layers
    x = layers.Conv2D(width, 3, strides=2, use_bias=False)(x)
    for _ in range(2):
        y = layers.Conv2D(3 * width, 1, use_bias=False)(x)
        y = layers.Activation("silu")(layers.BatchNormalization()(y))
        y = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(y)
        y = layers.Activation("silu")(layers.BatchNormalization()(y))
        gate = layers.Reshape((1, 1, 3 * width))(layers.GlobalAveragePooling2D()(y))
        gate = layers.Conv2D(width // 2, 1, activation="relu")(gate)
        y = layers.Multiply()([y, layers.Conv2D(3 * width, 1, activation="sigmoid")(gate)])
        y = layers.Conv2D(width, 1, use_bias=False)(y)
        x = layers.Add()([x, layers.BatchNormalization()(y)])
    return layers.Dense(5)(layers.GlobalAveragePooling2D()(x))


def test_bottlenecks_with_squeeze_and_excitation():
    keras.utils.set_random_seed(0)
    x = keras.Input((16, 16, 3))
    check(randomize(keras.Model(x, bottlenecks(x, 12))))


def test_a_bert_backbone():
    hub = pytest.importorskip("keras_hub")
    keras.utils.set_random_seed(0)
    model = hub.models.BertBackbone(
        vocabulary_size=20,
        num_layers=2,
        num_heads=4,
        hidden_dim=16,
        intermediate_dim=24,
        max_sequence_length=8,
    )
    small = check(randomize(model))
    assert isinstance(small, hub.models.BertBackbone)


def test_mobile_net():
    check(application("MobileNetV2"))
