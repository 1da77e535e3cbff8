"""Images from a NumPy file."""

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_lottery.errors import LotteryError
from keras_lottery.tasks.vision.images import Source, as_split

if TYPE_CHECKING:
    from keras_lottery.tasks.vision.config import VisionData

NAMES = ("x_train", "y_train", "x_test", "y_test")


def arrays(data: "VisionData") -> Source:
    """Returns the images of an .npz file with the arrays x_train, y_train, x_test and y_test."""
    path = Path(data.dir, data.path).expanduser()
    found = _read(path)
    missing = [name for name in NAMES if name not in found]
    if missing:
        raise LotteryError(
            f"Expected the arrays {', '.join(NAMES)} in {path}. "
            f"Received: {', '.join(found) or 'none'}. Add {', '.join(missing)}."
        )
    return from_arrays(*(found[name] for name in NAMES))


def from_arrays(
    x_train: np.ndarray, y_train: np.ndarray, x_test: np.ndarray, y_test: np.ndarray
) -> Source:
    """Returns arrays in memory as a data set; float images are taken to be scaled already."""
    train = as_split(x_train, y_train, "training")
    test = as_split(x_test, y_test, "test")
    if train.x.shape[1:] != test.x.shape[1:] or train.x.dtype != test.x.dtype:
        raise LotteryError(
            f"Expected test images like the training images, {train.x.dtype} of shape "
            f"{train.x.shape[1:]}. Received: {test.x.dtype} of shape {test.x.shape[1:]}. "
            "Convert one of them."
        )
    maximum = 255.0 if train.x.dtype == np.uint8 else 1.0
    classes = int(max(train.y.max(), test.y.max())) + 1
    return Source(train=train, test=test, classes=classes, maximum=maximum)


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except FileNotFoundError:
        problem = "none there"
    except (OSError, ValueError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        problem = " ".join(str(error).split()) or type(error).__name__
    raise LotteryError(
        f"Expected an .npz file of arrays at {path}. Received: {problem}. "
        "Set data.path (and data.dir) to the file."
    )
