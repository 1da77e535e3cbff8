"""The small convolutional networks of Frankle & Carbin 2019, which are scaled-down VGGs."""

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
