"""Values of networks whose weights are never trained, made of the start weights."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_lottery.types import MaskSet, Weights


def signed_constant(weights: Weights, masks: MaskSet) -> Weights:
    """Returns sign(w) std(w) of each masked variable in place of its values.

    Reference: Zhou et al. 2019 (1905.01067), section 5.
    """

    def of(value: NDArray[Any]) -> NDArray[Any]:
        return (np.sign(value) * np.std(value)).astype(value.dtype)

    return weights | {path: of(weights[path]) for path in masks}


def kaiming(weights: Weights, masks: MaskSet, signed: bool) -> Weights:
    """Returns each masked variable's values scaled to the deviation √(2 / fan_in), or its signs.

    fan_in is the product of all axes of a variable but the last.

    Reference: Ramanujan et al. 2020 (1911.13299), section 4: Kaiming normal, signed constant.
    """

    def of(value: NDArray[Any]) -> NDArray[Any]:
        deviation = np.sqrt(2 / max(math.prod(value.shape[:-1]), 1))
        spread = np.sign(value) if signed else value / (np.std(value) or 1.0)
        return (spread * deviation).astype(value.dtype)

    return weights | {path: of(weights[path]) for path in masks}
