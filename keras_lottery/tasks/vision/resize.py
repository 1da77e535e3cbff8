"""Changing the size of images."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from keras_lottery.errors import LotteryError


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
