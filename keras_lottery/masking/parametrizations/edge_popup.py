"""Edge-popup: uses the weights with the k highest scores of each variable; only scores train."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from keras_lottery.masking.keras_internals import float_bits
from keras_lottery.masking.parametrizations.base import Extra


def kaiming_uniform(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[Any]:
    """Returns draws from U(-b, b) with b = √(6 / ((1 + a²) fan_in)) and a = √5: b = 1 / √fan_in.

    fan_in is the product of all axes but the last.
    """
    bound = 1 / math.sqrt(max(math.prod(shape[:-1]), 1))
    return rng.uniform(-bound, bound, shape).astype(np.float32)


class _EdgePopup:
    """Uses the weights whose |s| is among the k largest of their variable; the others are 0.

    k is the number of weights that the mask keeps. The straight-through gradient goes to |s|, so a
    step of gradient descent is the paper's

        |s_uv| ← |s_uv| - α ∂L/∂I_v Z_u w_uv

    and a score can cross zero. The scaled variant multiplies the weights by √(size / k).

    Reference: Ramanujan et al., arXiv:1911.13299, section 3.
    """

    learned = True
    draws = False
    keep: float | None = 0.5
    extras = (Extra("score", kaiming_uniform, trainable=True),)

    def __init__(self, name: str, scale: bool) -> None:
        self.name = name
        self._scale = scale

    def effective(self, stored: Any, kept: Any, extras: Mapping[str, Any]) -> Any:
        """Returns the weight if its score is among the k highest, else 0."""
        size = ops.abs(extras["score"])
        hard = ops.cast(self.mask(kept, extras), size.dtype)
        return self._used(stored, kept, hard + (size - ops.stop_gradient(size)))

    effective_in_step = effective

    def mask(self, kept: Any, extras: Mapping[str, Any]) -> Any:
        """Returns True for scores among the k highest."""
        scores = ops.stop_gradient(ops.abs(extras["score"]))
        return largest(scores, ops.sum(ops.cast(kept, "int32")))

    def folded(self, stored: Any, kept: Any, extras: Mapping[str, Any]) -> Any:
        """Returns `effective`, which is deterministic."""
        return self.effective(stored, kept, extras)

    def _used(self, stored: Any, kept: Any, z: Any) -> Any:
        if self._scale:
            z = z / ops.sqrt(ops.maximum(ops.mean(ops.cast(kept, "float32")), 1e-30))
        return ops.cast(ops.cast(stored, "float32") * z, stored.dtype)


def largest(values: Any, count: Any) -> Any:
    """Returns True for exactly `count` of the largest values; ties keep the last ones.

    It searches for the smallest kept value bit by bit. `count` can change without retracing, and
    on a CPU this takes a twentieth of the time of a sort.

    Args:
        values: float32, not negative.
        count: int32 scalar, from 0 to the number of values.
    """
    # The bit patterns of non-negative floats sort like the floats.
    bits = float_bits(ops.reshape(values, (-1,)))
    bit = ops.ones((), "int32")

    def narrow(i: Any, threshold: Any) -> Any:
        higher = threshold + ops.left_shift(bit, 30 - ops.cast(i, "int32"))
        enough = ops.sum(ops.cast(bits >= higher, "int32")) >= count
        return ops.where(enough, higher, threshold)

    threshold = ops.fori_loop(0, 31, narrow, ops.zeros((), "int32"))
    equal = ops.cast(bits == threshold, "int32")
    surplus = ops.sum(ops.cast(bits >= threshold, "int32")) - count
    kept = ops.logical_or(bits > threshold, ops.cumsum(equal) * equal > surplus)
    return ops.reshape(ops.logical_and(kept, count > 0), ops.shape(values))


edge_popup = _EdgePopup("edge_popup", scale=False)
edge_popup_scaled = _EdgePopup("edge_popup_scaled", scale=True)
