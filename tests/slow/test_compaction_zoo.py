"""Compaction of keras.applications and KerasHub backbones, half of their channels switched off."""

import keras
import pytest

import keras_lottery as kl
from keras_lottery.compaction.channels import channel_inventory, size_of
from keras_lottery.masking.inventory import read_model
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


@pytest.mark.parametrize("name", ["ResNet50", "EfficientNetB0", "ConvNeXtTiny"])
def test_applications_pruned_by_channels(name):
    model = application(name)
    kl.prune(model, flops=0.5, pattern="channels", scope="layer")
    predicted = size_of(channel_inventory(read_model(model))).parameters(kl.get_masks(model))
    small = kl.compact(model)
    before, after = kl.compaction_report(small).flops
    assert abs(small.count_params() - predicted) <= 0.01 * predicted
    assert 0.45 * before < after <= 0.5 * before


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
