"""Images in idx files, the format that MNIST was published in, gzipped or not."""

import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_lottery.checks import file_path
from keras_lottery.errors import LotteryError
from keras_lottery.inflate import read_plain
from keras_lottery.tasks.vision.config import VisionData
from keras_lottery.tasks.vision.datasets.arrays import from_arrays
from keras_lottery.tasks.vision.images import Source

TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
"""Dtypes by the third byte of a file."""

PARTS = {"train": ("train",), "test": ("t10k", "test")}


def idx(data: VisionData) -> Source:
    """Returns the images and labels of the four idx files in the folder `data.path`.

    Raises:
        LotteryError: a file is missing, or isn't an idx file.
    """
    folder = file_path(Path(data.dir, data.path), "data.path")
    if not folder.is_dir():
        raise LotteryError(
            f"Expected a folder of idx files at {folder}. Received: none there. "
            "Set data.path (and data.dir) to it."
        )
    x_train, y_train, x_test, y_test = (
        read_idx(_file(folder, part, kind)) for part in PARTS for kind in ("images", "labels")
    )
    return from_arrays(x_train, y_train, x_test, y_test, data.scaling)


def _file(folder: Path, part: str, kind: str) -> Path:
    """Returns the file of a part, e.g. `t10k-images-idx3-ubyte.gz`."""
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    fits = [
        name
        for name in names
        if "idx" in name and kind in name and any(word in name for word in PARTS[part])
    ]
    plain = [name for name in fits if not name.endswith(".gz")]
    if len(plain or fits) != 1:
        words = " or ".join(PARTS[part])
        raise LotteryError(
            f"Expected one idx file of {part} {kind} in {folder}, whose name has {words}, {kind} "
            f"and idx, such as {PARTS[part][0]}-{kind}-idx{3 if kind == 'images' else 1}-ubyte.gz. "
            f"Received: {', '.join(fits or names[:8]) or 'an empty folder'}. Add it, or keep one."
        )
    return folder / (plain or fits)[0]


def read_idx(path: Path) -> NDArray[Any]:
    """Returns the array of an idx file.

    Raises:
        LotteryError: it can't be read, or isn't an idx file.
    """
    try:
        raw = read_plain(path)
    except (OSError, EOFError, zlib.error) as error:
        raise _broken(path, f"{type(error).__name__} ({error})") from error
    if len(raw) < 4 or raw[:2] != b"\0\0" or raw[2] not in TYPES:
        raise _broken(path, f"a file that begins with the bytes {raw[:4].hex(' ') or 'of none'}")
    start = 4 + 4 * raw[3]
    shape = np.frombuffer(raw[4 : min(start, len(raw) // 4 * 4)], ">u4").tolist()
    dtype = np.dtype(TYPES[raw[2]])
    size = start + dtype.itemsize * math.prod(shape)
    if len(shape) != raw[3] or len(raw) != size:
        raise _broken(path, f"{len(raw)} bytes where the header {tuple(shape)} asks for {size}")
    try:
        values = np.frombuffer(raw, dtype, offset=start).reshape(shape)
    except ValueError as error:  # more dimensions, or larger ones, than an array can have
        raise _broken(path, f"a header of {len(shape)} dimensions ({error})") from error
    return values.astype(dtype.newbyteorder("="))


def _broken(path: Path, received: str) -> LotteryError:
    return LotteryError(
        f"Expected a whole idx file at {path}, plain or gzipped. Received: {received}. "
        "Copy it again."
    )
