"""Images and labels in memory, split."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError


@dataclass(frozen=True)
class Split:
    """Images and their labels.

    Args:
        x: images `(examples, height, width, channels)`, uint8, or float32 if they were floats.
        y: labels `(examples,)`, int32.
    """

    x: NDArray[np.generic]
    y: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.y)

    def take(self, indices: NDArray[np.intp]) -> "Split":
        """Returns the examples at `indices`."""
        return Split(self.x[indices], self.y[indices])


@dataclass(frozen=True)
class Source:
    """A data set as read by its loader.

    Args:
        train: all images for training, including the later validation images.
        test: images for testing only.
        classes: number of labels.
        maximum: largest value a pixel can have, e.g. 255.
        validation_size: training images held out in the data set's papers.
    """

    train: Split
    test: Split
    classes: int
    maximum: float = 255.0
    validation_size: int = 0


@dataclass(frozen=True)
class Images:
    """A data set ready to train on.

    Args:
        train: images to train on.
        validation: images held out of training; None: none.
        test: images for testing only.
        classes: number of labels.
        maximum: largest value a pixel can have.
    """

    train: Split
    validation: Split | None
    test: Split
    classes: int
    maximum: float = 255.0

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of an image."""
        height, width, channels = self.train.x.shape[1:]
        return height, width, channels


def as_split(x: NDArray[np.generic], y: NDArray[np.generic], name: str) -> Split:
    """Returns images and labels in the form that models take.

    Args:
        x: images `(examples, height, width)` or `(examples, height, width, channels)`.
        y: labels `(examples,)`, whole numbers from 0.
        name: names the arrays in an error.

    Raises:
        LotteryError: the arrays don't match, or have another form.
    """
    x, y = np.asarray(x), np.asarray(y)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if x.ndim == 3:
        x = x[..., np.newaxis]
    if x.ndim != 4 or not len(x):
        raise LotteryError(
            f"Expected {name} images of shape (examples, height, width[, channels]), at least one. "
            f"Received: {x.shape}. Reshape them."
        )
    if y.shape != x.shape[:1] or not np.issubdtype(y.dtype, np.integer) or y.min() < 0:
        raise LotteryError(
            f"Expected {len(x)} {name} labels, whole numbers from 0. "
            f"Received: {y.dtype} of shape {y.shape}. Give one label per image."
        )
    if x.dtype in (np.uint8, np.float32):
        return Split(x, y.astype(np.int32))
    if not np.issubdtype(x.dtype, np.floating):
        raise LotteryError(
            f"Expected {name} images as uint8 or floats. Received: {x.dtype}. Convert them."
        )
    return Split(x.astype(np.float32), y.astype(np.int32))
