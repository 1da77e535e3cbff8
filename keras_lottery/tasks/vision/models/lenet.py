"""The fully connected network of LeCun et al. 1998."""

import keras
from keras import layers

from keras_lottery.tasks.vision.config import VisionModel
from keras_lottery.tasks.vision.models.inputs import ImageInput
from keras_lottery.tasks.vision.models.parts import INITIALIZER, logits, raw_input


def lenet(images: ImageInput, model: VisionModel) -> keras.Model:
    """Returns LeNet-300-100.

    On 28 × 28 images: 784·300 + 300·100 + 100·10 = 266,200 kernel weights, and 410 biases.

    Reference:
        Frankle & Carbin 2019, arXiv 1803.03635, figure 2.
    """
    inputs, x = raw_input(images)
    x = layers.Flatten(data_format="channels_last")(x)
    for width in model.hidden:
        x = layers.Dense(width, activation="relu", kernel_initializer=INITIALIZER)(x)
    return keras.Model(inputs, logits(x, images.classes), name="lenet")
