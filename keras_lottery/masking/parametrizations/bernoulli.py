"""Learned supermasks: a coin for every weight, whose probability alone is trained."""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from keras_lottery.errors import unknown_name
from keras_lottery.masking.parametrizations.base import Extra

MODES = ("sample", "expected", "threshold")
"""A new sample each time; the probability itself; 1 where the probability is at least a half."""


class _Bernoulli:
    """Uses `w z` with `z ~ Bernoulli(σ(s))` drawn anew at every use, also at test time.

    Forward the sample, backward straight through to the probability:

        z = b + σ(s) - stop_gradient(σ(s)),   b ~ Bernoulli(σ(s))

    with w the weight as it was initialized and s its score, 0 at first, so that half of the
    weights are used. Under dynamic rescaling the weights of a variable are multiplied by
    size / Σ z, through which no gradient goes (ours). Only weights that the mask keeps take part.

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
        """Returns the weight times its sample, its probability or its threshold, by the mode."""
        chance = ops.sigmoid(extras["score"])
        drawn = keras.random.uniform(ops.shape(chance), dtype="float32", seed=extras["seed"])
        mode = extras["mode"]
        z = ops.where(mode == 1, chance, ops.cast(chance >= 0.5, chance.dtype))
        z = ops.where(mode == 0, ops.cast(drawn < chance, chance.dtype), z)
        # In this order, so that what is added is exactly 0.
        z = ops.stop_gradient(z) + (chance - ops.stop_gradient(chance))
        return self._used(stored, ops.where(kept, z, 0.0))

    effective_in_step = effective

    def mask(self, kept: Any, extras: Mapping[str, Any]) -> Any:
        """Returns where the probability is at least a half."""
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
    """Returns the number that stands for a mode in its variable.

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
