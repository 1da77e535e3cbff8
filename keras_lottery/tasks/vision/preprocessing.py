"""Images before training: their size, the constants that scale raw pixels, augmentation."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from keras_lottery.errors import LotteryError
from keras_lottery.tasks.vision.images import Images
from keras_lottery.tasks.vision.models import Scaling


def resized(x: NDArray[np.generic], side: int) -> NDArray[np.generic]:
    """Returns uint8 images `(examples, height, width, channels)` as `side` × `side` pixels.

    Raises:
        LotteryError: the images are not uint8, or have neither 1 nor 3 channels.
    """
    if x.shape[1:3] == (side, side):
        return x
    if x.dtype != np.uint8 or x.shape[-1] not in (1, 3):
        raise LotteryError(
            f"Expected uint8 images of 1 or 3 channels for data.resize. Received: {x.dtype} of "
            f"{x.shape[-1]} channels. Resize them before, and leave data.resize at 0."
        )
    out = np.empty((len(x), side, side, x.shape[-1]), np.uint8)
    for image, target in zip(x, out, strict=True):
        picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
        small = np.asarray(picture.resize((side, side), Image.Resampling.BILINEAR))
        target[...] = small.reshape(target.shape)
    return out


DIGITS = 6
"""Decimals of a mean and a deviation, wherever they are printed or stored."""


def scaling_of(images: Images, kind: str) -> Scaling | None:
    """Returns the scaling of a data set.

    Args:
        images: the data set; the statistics are those of its training images.
        kind: `unit`: `x / maximum`; `standard`: `(x / maximum - mean) / deviation`, per channel;
            `none`: None.
    """
    if kind == "none":
        return None
    channels = images.shape[-1]
    if kind == "unit":
        return Scaling((1 / images.maximum,) * channels, (0.0,) * channels)
    means, deviations = _statistics(images)
    return Scaling(
        scale=tuple(1 / (images.maximum * d) for d in deviations),
        offset=tuple(-m / d for m, d in zip(means, deviations, strict=True)),
    )


def _statistics(images: Images) -> tuple[list[float], list[float]]:
    """Returns mean and standard deviation of each channel; a deviation of 0 becomes 1."""
    x = images.train.x
    means, deviations = [], []
    for channel in range(x.shape[-1]):
        values = x[..., channel]
        means.append(round(float(values.mean(dtype=np.float64)) / images.maximum, DIGITS))
        deviation = round(float(values.std(dtype=np.float64)) / images.maximum, DIGITS)
        deviations.append(deviation or 1.0)
    return means, deviations


SHIFT = 4
"""Maximum shift of an image in pixels, in each direction."""


def flip_crop(x: NDArray[np.generic], epoch: int, seed: int) -> NDArray[np.generic]:
    """Returns the images of one epoch, half of them mirrored, each shifted by up to 4 pixels.

    Equivalent to padding with 4 pixels of zeros and cropping a random window of the original
    size. Equal `epoch` and `seed` give equal images, so that a rewound training sees the same ones.

    Args:
        x: images `(examples, height, width, channels)`; not modified.
        epoch: number of the epoch.
        seed: seed of the training's data.

    Returns:
        Images of the same shape and dtype.

    Reference:
        Frankle & Carbin, arXiv 1803.03635.
    """
    rng = np.random.default_rng([seed, epoch])
    mirrored = rng.random(len(x)) < 0.5
    shifts = rng.integers(-SHIFT, SHIFT + 1, size=(len(x), 2))
    moved = np.zeros_like(x)
    height, width = x.shape[1:3]
    for down in range(-SHIFT, SHIFT + 1):
        rows_to, rows_from = _overlap(down, height)
        in_row = shifts[:, 0] == down
        for right in range(-SHIFT, SHIFT + 1):
            columns_to, columns_from = _overlap(right, width)
            here = in_row & (shifts[:, 1] == right)
            for flip in (False, True):
                chosen = np.flatnonzero(here & (mirrored == flip))
                images = x[chosen, :, ::-1] if flip else x[chosen]
                moved[chosen, rows_to, columns_to] = images[:, rows_from, columns_from]
    return moved


def _overlap(shift: int, size: int) -> tuple[slice, slice]:
    """Returns the position of the shifted image, and the part of it that is still visible."""
    shift = max(-size, min(size, shift))
    if shift >= 0:
        return slice(shift, size), slice(0, size - shift)
    return slice(0, size + shift), slice(-shift, size)
