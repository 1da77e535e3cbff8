"""What a network gets: the shape of the images, and how raw pixels are scaled."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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
    """The images that a network takes.

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


Builder = Callable[[ImageInput, VisionModel], Any]
"""Returns a Keras model from raw images to logits, one a class."""
