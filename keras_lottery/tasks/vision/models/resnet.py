"""Residual networks."""

from typing import Any

import keras
from keras import layers

from keras_lottery.tasks.vision.config import VisionModel
from keras_lottery.tasks.vision.models.inputs import ImageInput
from keras_lottery.tasks.vision.models.parts import (
    batch_norm,
    conv,
    logits,
    raw_input,
    synchronizable,
)


def resnet8(images: ImageInput, model: VisionModel) -> keras.Model:
    """Returns an 8-layer network: three stages of one block; see `resnet20`.

    Small enough for experiments on two cores. On 3 channels and 10 classes 76,720 conv weights
    (432 + 4,608 + 13,824 + 55,296, and 2,560 in shortcuts) and 640 output weights.

    Reference:
        He et al. 2015, arXiv 1512.03385, with n = 1.
    """
    return _cifar_network("resnet8", 1, images, model)


def resnet20(images: ImageInput, model: VisionModel) -> keras.Model:
    """Returns the 20-layer network for CIFAR, which Frankle & Carbin call Resnet-18.

    Three stages of three blocks with 16, 32 and 64 channels; if the number of channels grows,
    the shortcut is a 1 × 1 convolution. On 3 channels and 10 classes: 270,256 conv weights
    (432 + 13,824 + 50,688 + 202,752, and 2,560 in shortcuts), 640 output weights; with 10 biases
    and the 3,136 batch-norm values 274,042 in all.

    Reference:
        He et al. 2015, arXiv 1512.03385; Frankle & Carbin 2019, arXiv 1803.03635, figure 2.
    """
    return _cifar_network("resnet20", 3, images, model)


def resnet32(images: ImageInput, model: VisionModel) -> keras.Model:
    """Returns the 32-layer network for CIFAR: three stages of five blocks; see `resnet20`.

    On 3 channels and 10 classes 463,792 conv weights (432 + 23,040 + 87,552 + 350,208, and 2,560
    in shortcuts) and 640 output weights.

    Reference:
        He et al. 2015, arXiv 1512.03385; Bragagnolo et al. 2022, arXiv 2207.09455.
    """
    return _cifar_network("resnet32", 5, images, model)


def _cifar_network(name: str, blocks: int, images: ImageInput, model: VisionModel) -> keras.Model:
    """Returns three stages of `blocks` blocks with 16, 32 and 64 channels."""
    synchronized = model.batch_norm_synchronized
    inputs, x = raw_input(images)
    x = layers.ReLU()(batch_norm(conv(x, 16, bias=False), synchronized))
    for stage, filters in enumerate((16, 32, 64)):
        for block in range(blocks):
            x = _block(x, filters, 2 if stage > 0 and block == 0 else 1, synchronized)
    x = layers.GlobalAveragePooling2D(data_format="channels_last")(x)
    return keras.Model(inputs, logits(x, images.classes), name=name)


def _block(x: Any, filters: int, strides: int, synchronized: bool) -> Any:
    """Applies two convolutions and adds the input."""
    inner = batch_norm(conv(x, filters, strides=strides, bias=False), synchronized)
    inner = batch_norm(conv(layers.ReLU()(inner), filters, bias=False), synchronized)
    if strides > 1:
        x = batch_norm(conv(x, filters, kernel=1, strides=strides, bias=False), synchronized)
    return layers.ReLU()(layers.Add()([inner, x]))


def resnet50(images: ImageInput, model: VisionModel) -> keras.Model:
    """Returns Keras' own ResNet-50 with its own initializers, untrained.

    On 3 channels and 1,000 classes 25,636,712 values in all, 25,502,912 of them in kernels.

    Reference:
        He et al. 2015, arXiv 1512.03385; Morcos et al. 2019, arXiv 1906.02773.
    """
    inputs, x = raw_input(images)
    network = keras.applications.ResNet50(
        weights=None,
        input_tensor=x,
        pooling="avg",
        include_top=False,
    )
    for layer in network.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.synchronized = synchronizable(model.batch_norm_synchronized)
    outputs = layers.Dense(images.classes, dtype="float32")(network.output)
    return keras.Model(inputs, outputs, name="resnet50")
