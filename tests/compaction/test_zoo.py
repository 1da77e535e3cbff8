"""Whole models with half of their channels gone are as large as those built at half width."""

import keras
import pytest

import keras_lottery as kl
from benchmarks.compaction_zoo import measure
from benchmarks.zoo import gru_seq2seq, lstm_tagger, randomize
from tests.compaction.zoo import switch_off

pytestmark = pytest.mark.backend


def bottlenecks(width):
    """A MobileNet-like network with squeeze and excitation."""
    layers = keras.layers
    inputs = keras.Input((16, 16, 3))
    x = layers.Conv2D(width, 3, strides=2, use_bias=False)(inputs)
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
    return keras.Model(inputs, layers.Dense(5)(layers.GlobalAveragePooling2D()(x)))


@pytest.mark.parametrize("build, width", [(bottlenecks, 12), (lstm_tagger, 8), (gru_seq2seq, 8)])
def test_half_of_the_channels_is_half_the_width(build, width):
    measured = measure(randomize(build(width)))
    assert measured.predicted == measured.parameters[1] == build(width // 2).count_params()
    assert measured.difference <= 1e-5


def test_a_bert_backbone():
    hub = pytest.importorskip("keras_hub")
    model = randomize(
        hub.models.BertBackbone(
            vocabulary_size=20,
            num_layers=2,
            num_heads=4,
            hidden_dim=16,
            intermediate_dim=24,
            max_sequence_length=8,
        )
    )
    predicted = switch_off(model)
    small = kl.compact(model)
    assert isinstance(small, hub.models.BertBackbone)
    assert predicted < 0.7 * model.count_params()
    assert small.count_params() == predicted
    assert kl.compaction_report(small).difference <= 1e-5
