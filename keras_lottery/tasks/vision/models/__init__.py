"""The networks by name; builders are imported lazily."""

from keras_lottery.registry import Registry
from keras_lottery.tasks.vision.models.inputs import Builder, ImageInput, Scaling

__all__ = ["Builder", "ImageInput", "Scaling", "models"]

models: Registry[Builder] = Registry("model")

for _name, _module, _says in (
    ("lenet", "lenet", "LeNet-300-100, or other widths: fully connected."),
    ("conv2", "conv", "Conv-2 of Frankle & Carbin 2019: two convolutions, three dense layers."),
    ("conv4", "conv", "Conv-4 of Frankle & Carbin 2019."),
    ("conv6", "conv", "Conv-6 of Frankle & Carbin 2019."),
    ("small_cnn", "conv", "Three convolutions of 16, 32 and 64 filters with batch norm."),
    ("vgg16", "conv", "VGG-16 with batch norm and global average pooling."),
    ("vgg19", "conv", "VGG-19 with batch norm and global average pooling."),
    ("resnet8", "resnet", "The 8-layer ResNet for CIFAR."),
    ("resnet20", "resnet", "The 20-layer ResNet for CIFAR."),
    ("resnet32", "resnet", "The 32-layer ResNet for CIFAR."),
    ("resnet50", "resnet", "Keras' ResNet-50, untrained."),
):
    models.register_lazily(_name, f"{__name__}.{_module}:{_name}", _says)
