"""Plain convolutional networks: VGG, its small versions Conv-2, Conv-4 and Conv-6, and our own."""

import keras
from keras import layers

from keras_lottery.tasks.vision.config import VisionModel
from keras_lottery.tasks.vision.models.inputs import Builder, ImageInput
from keras_lottery.tasks.vision.models.parts import (
    INITIALIZER,
    batch_norm,
    conv,
    logits,
    max_pool,
    raw_input,
)


def _conv_net(name: str, *blocks: int) -> Builder:
    """Returns a builder: per block two 3 × 3 convolutions and a pooling, then 256, 256, classes."""

    def build(images: ImageInput, model: VisionModel) -> keras.Model:
        inputs, x = raw_input(images)
        for filters in blocks:
            for _ in range(2):
                x = layers.ReLU()(conv(x, filters))
            x = max_pool(x)
        x = layers.Flatten(data_format="channels_last")(x)
        for _ in range(2):
            x = layers.Dense(256, activation="relu", kernel_initializer=INITIALIZER)(x)
            # The paper states the rate, 0.5, but not the position; after the dense layers is ours.
            if model.dropout:
                x = layers.Dropout(model.dropout)(x)
        return keras.Model(inputs, logits(x, images.classes), name=name)

    build.__name__ = name
    return build


def small_cnn(images: ImageInput, model: VisionModel) -> keras.Model:
    """Returns three convolutions of 16, 32 and 64 filters with batch norm, averaged at the end.

    Small enough for experiments on two cores; ours. The first two halve height and width. With
    3 channels it has 23,472 conv weights, and 64 per class in the output layer.
    """
    inputs, x = raw_input(images)
    for filters, strides in ((16, 2), (32, 2), (64, 1)):
        x = conv(x, filters, strides=strides, bias=False)
        x = layers.ReLU()(batch_norm(x, model.batch_norm_synchronized))
    x = layers.GlobalAveragePooling2D(data_format="channels_last")(x)
    return keras.Model(inputs, logits(x, images.classes), name="small_cnn")


# Kernel weights on 32 × 32 × 3 images and 10 classes; the first dense layer holds most of them.
conv2 = _conv_net("conv2", 64)  # 38,592 conv + 4,262,400 dense = 4,300,992
conv4 = _conv_net("conv4", 64, 128)  # 259,776 conv + 2,165,248 dense = 2,425,024
conv6 = _conv_net("conv6", 64, 128, 256)  # 1,144,512 conv + 1,116,672 dense = 2,261,184


def _vgg(name: str, *blocks: tuple[int, int]) -> Builder:
    """Returns a builder: blocks of (convolutions, filters), pooled between, averaged at the end.

    Each convolution is followed by batch norm, whose shift replaces the convolution's bias.
    """

    def build(images: ImageInput, model: VisionModel) -> keras.Model:
        inputs, x = raw_input(images)
        for number, (count, filters) in enumerate(blocks):
            if number:
                x = max_pool(x)
            for _ in range(count):
                x = conv(x, filters, bias=False)
                x = layers.ReLU()(batch_norm(x, model.batch_norm_synchronized))
        x = layers.GlobalAveragePooling2D(data_format="channels_last")(x)
        return keras.Model(inputs, logits(x, images.classes), name=name)

    build.__name__ = name
    return build


# Kernel weights on 3 channels and 10 classes: 14,710,464 conv and 20,018,880 conv, 5,120 output.
# Morcos et al. 2019, arXiv 1906.02773; Frankle & Carbin 2019, arXiv 1803.03635.
vgg16 = _vgg("vgg16", (2, 64), (2, 128), (3, 256), (3, 512), (3, 512))
vgg19 = _vgg("vgg19", (2, 64), (2, 128), (4, 256), (4, 512), (4, 512))
