"""Layout, range and scale of the pixels in arrays of images."""

import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError

CHANNELS = (1, 3, 4)
BYTE, WORD = 255, 65535
LARGEST_SCALED = 20.0
"""Standardized images stay well below this; images with 8 bits of brightness don't."""
OVERSHOOT = 2.0
"""Bicubic resizing makes images from 0 to 1 slightly exceed 1."""


def plain_pixels(x: NDArray[np.generic], name: str) -> NDArray[np.generic]:
    """Returns images `(examples, height, width, channels)` as uint8 or float32.

    Whole numbers from 0 to 255 become uint8; uint16 beyond that is divided by 65535.

    Args:
        x: images, of any numeric dtype; the axis of channels may be missing.
        name: names them in an error.

    Raises:
        LotteryError: the shape is not that of images, channels come first, a pixel is not finite,
            or whole numbers exceed 16 bits.
    """
    x = x[..., np.newaxis] if x.ndim == 3 else x
    if x.ndim != 4 or 0 in x.shape:
        raise LotteryError(
            f"Expected {name} images of shape (examples, height, width[, channels]), at least one. "
            f"Received: {x.shape}. Reshape them."
        )
    if _channels_first(x.shape):
        raise LotteryError(
            f"Expected {name} images with their channels last, (examples, height, width, "
            f"channels). Received: {x.shape}, with channels first. Convert them with "
            "np.moveaxis(x, 1, -1)."
        )
    if x.dtype == np.bool_:
        return x.astype(np.uint8)
    if np.issubdtype(x.dtype, np.integer):
        return _whole(x, name)
    if not np.issubdtype(x.dtype, np.floating):
        raise LotteryError(
            f"Expected {name} images as whole numbers or floats. Received: {x.dtype}. Convert them."
        )
    # Some examples at a time, so that a large array isn't copied as a whole.
    for index, image in enumerate(x):
        if not np.isfinite(image).all():
            raise LotteryError(
                f"Expected {name} images of finite numbers. Received: NaN or infinity in the image "
                f"at index {index}. Remove or repair it."
            )
    return x.astype(np.float32, copy=False)


def _channels_first(shape: tuple[int, ...]) -> bool:
    _, first, second, last = shape
    if first not in CHANNELS or first == second:
        return False
    return last > max(CHANNELS) or (second == last and second > 1)


def _whole(x: NDArray[np.generic], name: str) -> NDArray[np.generic]:
    low, high = int(np.min(x)), int(np.max(x))
    if x.dtype == np.uint8 or (low >= 0 and high <= BYTE):
        return x.astype(np.uint8, copy=False)
    if low < 0 or high > WORD or x.dtype != np.uint16:
        raise LotteryError(
            f"Expected {name} images of whole numbers from 0 to 255, or uint16. Received: "
            f"{x.dtype} from {low} to {high}. Convert them to floats from 0 to 1."
        )
    return np.divide(x, WORD, dtype=np.float32)


def largest_value(train: NDArray[np.generic], test: NDArray[np.generic], scaling: str) -> float:
    """Returns the value of full brightness: 255, or 1 for images that are already scaled.

    Args:
        train: training images, from `plain_pixels`.
        test: test images, likewise.
        scaling: `data.scaling`; only `unit` depends on the scale.

    Raises:
        LotteryError: the training images don't determine the scale, or the test images have
            another one.
    """
    maximum = _scale(train, scaling)
    if scaling != "none" and not _fits(train, test, maximum):
        raise LotteryError(
            f"Expected test images on the scale of the training images, {_described(train)}. "
            f"Received: {_described(test)}. Scale both alike."
        )
    return maximum


def _scale(x: NDArray[np.generic], scaling: str) -> float:
    low, high = _range(x)
    if x.dtype == np.uint8:
        return 1.0 if high == 1 else float(BYTE)
    if low < 0:
        is_scaled, is_byte = max(-low, high) <= LARGEST_SCALED, False
    else:
        is_scaled, is_byte = high <= OVERSHOOT, BYTE // 2 < high <= BYTE
    if is_byte:
        return float(BYTE)
    if not is_scaled and scaling == "unit":
        raise LotteryError(
            "Expected float images from 0 to 1, from 0 to 255, or standardized. Received: "
            f"training images {_described(x)}. Divide them by their largest value, or set "
            "data.scaling='standard', which suits every range."
        )
    return 1.0


def _fits(train: NDArray[np.generic], test: NDArray[np.generic], maximum: float) -> bool:
    """Returns whether test images can be on the scale of the training images."""
    (least, most), (low, high) = _range(train), _range(test)
    if maximum == BYTE:
        return low == high == 0 or (low >= 0 and 1 < high <= BYTE)
    if train.dtype == np.uint8:
        return high <= 1
    if least >= 0 and most <= OVERSHOOT:
        return low >= 0 and high <= OVERSHOOT
    return max(-low, high) <= max(LARGEST_SCALED, 2 * max(-least, most))


def _range(x: NDArray[np.generic]) -> tuple[float, float]:
    return float(np.min(x)), float(np.max(x))


def _described(x: NDArray[np.generic]) -> str:
    low, high = _range(x)
    return f"{x.dtype} from {low:g} to {high:g}"
