"""Augmentation of a whole epoch at once, on the host."""

import numpy as np
from numpy.typing import NDArray

SHIFT = 4
"""Pixels that an image is moved by at most, in each direction."""


def flip_crop(x: NDArray[np.generic], epoch: int, seed: int) -> NDArray[np.generic]:
    """Returns the images of one epoch, half of them mirrored, each shifted by up to 4 pixels.

    Equal to padding by 4 pixels of zeros and cutting a random window of the old size. The same
    `epoch` and `seed` give the same images, so that a rewound training sees what the first saw.

    Args:
        x: images `(examples, height, width, channels)`; left untouched.
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
    """Returns where the moved image lies, and which part of the image is still inside."""
    shift = max(-size, min(size, shift))
    if shift >= 0:
        return slice(shift, size), slice(0, size - shift)
    return slice(0, size + shift), slice(-shift, size)
