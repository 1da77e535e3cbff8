"""VGG without its dense layers, as the papers use it on small images."""

import keras
from keras import layers

from keras_lottery.tasks.vision.config import VisionModel
from keras_lottery.tasks.vision.models.inputs import Builder, ImageInput
from keras_lottery.tasks.vision.models.parts import batch_norm, conv, logits, max_pool, raw_input


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
