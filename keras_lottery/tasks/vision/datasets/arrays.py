"""Images from a NumPy file."""

from pathlib import Path

import numpy as np

from keras_lottery.checks import file_path
from keras_lottery.errors import LotteryError
from keras_lottery.inflate import read_npz
from keras_lottery.tasks.vision.config import VisionData
from keras_lottery.tasks.vision.images import Source, Split
from keras_lottery.tasks.vision.labels import class_numbers
from keras_lottery.tasks.vision.pixels import largest_value, plain_pixels

NAMES = ("x_train", "y_train", "x_test", "y_test")


def arrays(data: VisionData) -> Source:
    """Returns the images of an .npz file with the arrays x_train, y_train, x_test and y_test."""
    path = file_path(Path(data.dir, data.path), "data.path")
    contents = read_npz(path, "Set data.path (and data.dir) to the file.")
    missing = [name for name in NAMES if name not in contents]
    if missing:
        raise LotteryError(
            f"Expected the arrays {', '.join(NAMES)} in {path}. "
            f"Received: {', '.join(contents) or 'none'}. Add {', '.join(missing)}."
        )
    x_train, y_train, x_test, y_test = (contents[name] for name in NAMES)
    return from_arrays(x_train, y_train, x_test, y_test, data.scaling)


def from_arrays(
    x_train: np.ndarray,
    y_train: np.ndarray,
    x_test: np.ndarray,
    y_test: np.ndarray,
    scaling: str = "unit",
) -> Source:
    """Returns a data set of arrays in memory.

    Args:
        x_train: images `(examples, height, width[, channels])`: whole numbers from 0 to 255,
            uint16, or floats from 0 to 1, from 0 to 255, or standardized.
        y_train: labels `(examples,)` or `(examples, 1)`: whole numbers or strings.
        x_test: images like the training images.
        y_test: labels that also occur among the training labels.
        scaling: `data.scaling`; decides whether the range of the images matters.

    Raises:
        LotteryError: the arrays don't match, or have another form.
    """
    images, tests = plain_pixels(x_train, "training"), plain_pixels(x_test, "test")
    if images.shape[1:] != tests.shape[1:] or images.dtype != tests.dtype:
        raise LotteryError(
            f"Expected test images like the training images, {images.dtype} of shape "
            f"{images.shape[1:]}. Received: {tests.dtype} of shape {tests.shape[1:]}. "
            "Convert one of them."
        )
    for name, x, y in (("training", images, y_train), ("test", tests, y_test)):
        if y.shape[:1] != x.shape[:1]:
            raise LotteryError(
                f"Expected {len(x)} {name} labels. Received: {y.dtype} of shape {y.shape}. "
                "Give one label per image."
            )
    maximum = largest_value(images, tests, scaling)
    train, test, classes = class_numbers(y_train, y_test)
    return Source(Split(images, train), Split(tests, test), classes, maximum)
