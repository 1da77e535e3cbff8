"""The networks: the papers' weight counts, logits, the same draw for the same seed."""

import random
import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_lottery.errors import LotteryError
from keras_lottery.tasks.vision.config import VisionModel
from keras_lottery.tasks.vision.models import ImageInput, Scaling, models

MNIST = ImageInput((28, 28, 1), 10, scaling=Scaling((1 / 255,), (0.0,)))
CIFAR = ImageInput((32, 32, 3), 10, scaling=Scaling((1 / 255,) * 3, (0.0,) * 3))


def kernels(model: keras.Model, rank: int = 0) -> int:
    found = [v.shape for v in model.trainable_variables if v.name == "kernel"]
    return sum(int(np.prod(s)) for s in found if len(s) == rank or not rank)


def build(name: str, images: ImageInput = CIFAR, **options) -> keras.Model:
    return models[name](images, VisionModel(name=name, **options))


@pytest.mark.parametrize(
    "name, images, every, convolutions, values",
    [
        ("lenet", MNIST, 266_200, 0, 266_610),
        ("conv2", CIFAR, 4_300_992, 38_592, 4_301_642),
        ("conv4", CIFAR, 2_425_024, 259_776, 2_425_930),
        ("conv6", CIFAR, 2_261_184, 1_144_512, 2_262_602),
        ("resnet8", CIFAR, 77_360, 76_720, 78_714),
        ("resnet20", CIFAR, 270_896, 270_256, 274_042),
        ("vgg16", CIFAR, 14_715_584, 14_710_464, 14_732_490),
        ("vgg19", CIFAR, 20_024_000, 20_018_880, 20_046_026),
        ("resnet50", ImageInput((32, 32, 3), 1000), 25_502_912, 23_454_912, 25_636_712),
    ],
)
def test_weights(name, images, every, convolutions, values):
    model = build(name, images)
    assert kernels(model) == every
    assert kernels(model, rank=4) == convolutions
    assert model.count_params() == values
    assert model.output_shape == (None, images.classes)


def test_lenet_takes_the_width_of_the_image_and_other_layers():
    model = build("lenet", ImageInput((8, 8, 1), 10), hidden=(7, 5, 3))
    assert kernels(model) == 64 * 7 + 7 * 5 + 5 * 3 + 3 * 10


@pytest.mark.backend
@pytest.mark.parametrize("name", ["lenet", "conv2", "resnet20"])
def test_raw_images_become_logits(name):
    images = ImageInput((16, 16, 3), 10, scaling=Scaling((2.0, 0.0, 0.0), (1.0, 0.0, 0.0)))
    model = build(name, images)
    x = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
    first = keras.ops.convert_to_numpy(model(x))
    assert first.shape == (3, 10)
    assert not np.allclose(first.sum(axis=1), 1.0)
    x[..., 1:] = 0  # the scaling leaves nothing of these channels
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model(x)), first, rtol=1e-5)


@pytest.mark.backend
def test_scaling_is_per_channel_and_has_no_variables():
    images = ImageInput((2, 2, 3), 10, scaling=Scaling((0.5, 1.0, 2.0), (0.0, -1.0, 1.0)))
    layer = build("lenet", images).layers[1]
    x = np.full((1, 2, 2, 3), 4, np.uint8)
    scaled = keras.ops.convert_to_numpy(layer(x))
    np.testing.assert_allclose(scaled[0, 0, 0], [2.0, 3.0, 9.0])
    assert not layer.variables


def test_dropout_stands_in_the_conv_nets():
    names = [type(layer).__name__ for layer in build("conv4", dropout=0.5).layers]
    assert names.count("Dropout") == 2
    assert "Dropout" not in [type(layer).__name__ for layer in build("conv4").layers]


@pytest.mark.parametrize(
    "name", [pytest.param("resnet20", marks=pytest.mark.backend), "vgg16", "resnet50"]
)
@pytest.mark.parametrize("synchronized", [False, True])
def test_batch_norm_is_synchronized_on_demand(name, synchronized):
    model = build(name, batch_norm_synchronized=synchronized)
    norms = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
    expected = synchronized and keras.config.backend() == "tensorflow"
    assert norms and {layer.synchronized for layer in norms} == {expected}


@pytest.mark.parametrize("name", ["conv6", "vgg19"])
def test_images_too_small_for_the_network_are_named(name):
    with pytest.raises(LotteryError, match=r"large enough.*data\.resize"):
        build(name, ImageInput((7, 7, 1), 10))


@pytest.mark.backend
@pytest.mark.parametrize("name", ["lenet", "resnet20"])
def test_kernels_are_gaussian_glorot(name):
    random.seed(0)
    for variable in build(name, ImageInput((32, 32, 3), 10)).trainable_variables:
        if variable.name != "kernel" or np.prod(variable.shape) < 2000:
            continue
        *space, fan_in, fan_out = variable.shape
        expected = np.sqrt(2 / (np.prod(space) * (fan_in + fan_out)))
        assert np.std(keras.ops.convert_to_numpy(variable)) == pytest.approx(expected, rel=0.05)


def test_registering_the_task_imports_no_keras():
    code = (
        "import sys; sys.argv = ['-m']; "  # as the command line does, which picks the backend later
        "import keras_lottery.tasks; from keras_lottery.config import freeze; "
        "freeze({'name': 'x', 'task': 'vision'}); "
        "sys.exit(any(m in sys.modules for m in ('keras', 'tensorflow', 'jax', 'torch')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
