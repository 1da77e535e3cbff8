"""The networks by name; builders are imported lazily."""

from keras_lottery.registry import Registry
from keras_lottery.tasks.vision.models.inputs import Builder, ImageInput, Scaling

__all__ = ["Builder", "ImageInput", "Scaling", "models"]

models: Registry[Builder] = Registry("model")

models.register_lazily("lenet", f"{__name__}.lenet:lenet")
for _name in ("conv2", "conv4", "conv6", "small_cnn", "vgg16", "vgg19"):
    models.register_lazily(_name, f"{__name__}.conv:{_name}")
models.register_lazily("resnet20", f"{__name__}.resnet:resnet20")
models.register_lazily("resnet32", f"{__name__}.resnet:resnet32")
models.register_lazily("resnet50", f"{__name__}.resnet:resnet50")
