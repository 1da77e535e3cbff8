"""The constants that turn raw pixels into what a network is fed."""

import numpy as np

from keras_lottery.tasks.vision.images import Images
from keras_lottery.tasks.vision.models import Scaling

DIGITS = 6
"""Decimals of a mean and a deviation: the same in every place that prints or stores them."""


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
