"""Learned supermasks: a Bernoulli variable per weight, of which only the probability is trained."""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from keras_lottery.errors import unknown_name
from keras_lottery.masking.parametrizations.base import Extra

MODES = ("sample", "expected", "threshold")
"""A new sample at every use; the probability; 1 where the probability is at least a half."""


class _Bernoulli:
    """Uses `w z` with a new sample `z ~ Bernoulli(σ(s))` at every use, also at test time.

    The forward pass uses the sample; the straight-through gradient goes to the probability:

        z = b + σ(s) - stop_gradient(σ(s)),   b ~ Bernoulli(σ(s))

    w is the initial weight and s its score. Scores start at 0, so half of the weights are used.
    Dynamic rescaling multiplies the weights of a variable by size / Σ z, without a gradient (our
    choice). Weights that the mask prunes are never used.

    Reference: Zhou et al., arXiv:1905.01067, section 5 (supermasks).
    """

    learned = True
    draws = True
    keep: float | None = None

    def __init__(self, name: str, rescale: bool) -> None:
        self.name = name
        self.extras = (Extra("score", trainable=True), Extra("mode", scalar=True))
        self._rescale = rescale

    def effective(self, stored: Any, kept: Any, extras: Mapping[str, Any]) -> Any:
        """Returns the weight times its sample, probability or thresholded probability."""
        probability = ops.sigmoid(extras["score"])
        dtype = probability.dtype
        uniform = keras.random.uniform(ops.shape(probability), dtype="float32", seed=extras["seed"])
        mode = extras["mode"]
        z = ops.where(mode == 1, probability, ops.cast(probability >= 0.5, dtype))
        z = ops.where(mode == 0, ops.cast(uniform < probability, dtype), z)
        # Subtract first: the straight-through term is then exactly 0.
        z = ops.stop_gradient(z) + (probability - ops.stop_gradient(probability))
        return self._used(stored, ops.where(kept, z, 0.0))

    effective_in_step = effective

    def mask(self, kept: Any, extras: Mapping[str, Any]) -> Any:
        """Returns True where the probability is at least a half."""
        return ops.logical_and(kept, extras["score"] >= 0)

    def folded(self, stored: Any, kept: Any, extras: Mapping[str, Any]) -> Any:
        """Returns the weight where its probability is at least a half, else 0."""
        return self._used(stored, ops.cast(self.mask(kept, extras), "float32"))

    def _used(self, stored: Any, z: Any) -> Any:
        if self._rescale:
            ones = ops.stop_gradient(ops.sum(z))
            z = z * (float(_size(z)) / ops.maximum(ones, 1.0))
        return ops.cast(ops.cast(stored, "float32") * z, stored.dtype)


def mode_number(mode: str) -> int:
    """Returns the number under which the mode's variable stores a mode.

    Raises:
        LotteryError: there is no such mode.
    """
    if mode not in MODES:
        raise unknown_name("mode", mode, MODES)
    return MODES.index(mode)


def _size(tensor: Any) -> int:
    size = 1
    for n in tensor.shape:
        size *= int(n)
    return size


bernoulli = _Bernoulli("bernoulli", rescale=False)
bernoulli_rescaled = _Bernoulli("bernoulli_rescaled", rescale=True)
