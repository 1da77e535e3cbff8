"""The inputs of a network: the shape of the images, and the scaling of raw pixels."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from keras_lottery.tasks.vision.config import VisionModel


@dataclass(frozen=True)
class Scaling:
    """Scales raw pixels: `scale * x + offset`, per channel, without variables.

    Args:
        scale: one factor per channel.
        offset: one offset per channel.
    """

    scale: tuple[float, ...]
    offset: tuple[float, ...]


@dataclass(frozen=True)
class ImageInput:
    """The input images of a network.

    Args:
        shape: height, width and channels.
        dtype: `uint8` or `float32`.
        classes: number of outputs.
        scaling: applied to raw pixels; None: no scaling.
    """

    shape: tuple[int, int, int]
    classes: int
    dtype: str = "uint8"
    scaling: Scaling | None = None


Builder = Callable[[ImageInput, VisionModel], Any]
"""Returns a Keras model from raw images to one logit per class."""
