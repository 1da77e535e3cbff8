"""The networks by name; a builder is imported when its network is first asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keras_lottery.registry import Registry

if TYPE_CHECKING:
    from keras_lottery.tasks.vision.config import VisionModel


@dataclass(frozen=True)
class Scaling:
    """What is done to raw pixels first: `scale * x + offset`, per channel; it has no variables.

    Args:
        scale: one factor a channel.
        offset: one shift a channel.
    """

    scale: tuple[float, ...]
    offset: tuple[float, ...]


@dataclass(frozen=True)
class ImageInput:
    """What a network is fed.

    Args:
        shape: height, width and channels.
        dtype: `uint8` or `float32`.
        classes: number of outputs.
        scaling: what is done to raw pixels; None: nothing.
    """

    shape: tuple[int, int, int]
    classes: int
    dtype: str = "uint8"
    scaling: Scaling | None = None


Builder = Callable[[ImageInput, "VisionModel"], Any]
"""Returns a Keras model from raw images to logits, one a class."""

models: Registry[Builder] = Registry("model")

models.register_lazily("lenet", f"{__name__}.lenet:lenet")
for _name in ("conv2", "conv4", "conv6", "small_cnn"):
    models.register_lazily(_name, f"{__name__}.conv:{_name}")
models.register_lazily("resnet20", f"{__name__}.resnet:resnet20")
models.register_lazily("resnet32", f"{__name__}.resnet:resnet32")
models.register_lazily("resnet50", f"{__name__}.resnet:resnet50")
for _name in ("vgg16", "vgg19"):
    models.register_lazily(_name, f"{__name__}.vgg:{_name}")
