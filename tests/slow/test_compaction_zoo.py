"""Compaction of keras.applications and KerasHub backbones, half of their channels switched off."""

import keras
import pytest

import keras_lottery as kl
from tests.compaction.test_zoo import check
from tests.compaction.zoo import application, randomize

pytestmark = pytest.mark.backend

APPLICATIONS = (
    "ResNet50",
    "EfficientNetB0",
    "DenseNet121",
    "ConvNeXtTiny",
    "Xception",
    "MobileNetV3Small",
)


@pytest.mark.parametrize("name", APPLICATIONS)
def test_applications(name):
    check(application(name))


def gpt2(models):
    return models.GPT2Backbone(
        vocabulary_size=20,
        num_layers=2,
        num_heads=4,
        hidden_dim=16,
        intermediate_dim=24,
        max_sequence_length=8,
    )


def vit(models):
    return models.ViTBackbone(
        image_shape=(32, 32, 3),
        patch_size=8,
        num_layers=2,
        num_heads=4,
        hidden_dim=16,
        mlp_dim=24,
    )


@pytest.mark.parametrize("build", [gpt2, vit])
def test_backbones(build, tmp_path):
    hub = pytest.importorskip("keras_hub")
    keras.utils.set_random_seed(0)
    small = check(randomize(build(hub.models)))
    small.save(tmp_path / "small.keras")
    loaded = keras.models.load_model(tmp_path / "small.keras")
    assert loaded.count_params() == small.count_params()
    assert kl.compact(loaded).count_params() == small.count_params()
