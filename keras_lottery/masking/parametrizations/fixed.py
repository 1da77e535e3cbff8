"""Parametrizations without learned masks: pruned weights are zero, or keep a fixed value."""

from collections.abc import Mapping
from typing import Any

from keras import ops

from keras_lottery.backend.zeroing import zero_in_place
from keras_lottery.masking.parametrizations.base import Extra
from keras_lottery.masking.step import masked_by_optimizer


class Fixed:
    """A parametrization without learned masks: the stripped model has the effective weight."""

    learned = False
    draws = False
    keep: float | None = None

    def effective(self, stored: Any, kept: Any, extras: Mapping[str, Any]) -> Any:
        """See `Parametrization`."""
        raise NotImplementedError

    def mask(self, kept: Any, extras: Mapping[str, Any]) -> Any:
        """Returns `kept`."""
        return kept

    def folded(self, stored: Any, kept: Any, extras: Mapping[str, Any]) -> Any:
        """Returns `effective`."""
        return self.effective(stored, kept, extras)


class _Zero(Fixed):
    """Pruned weights are zero."""

    name = "zero"
    extras: tuple[Extra, ...] = ()

    def effective(self, stored: Any, kept: Any, extras: Mapping[str, Any]) -> Any:
        """Returns w where kept, else 0."""
        return ops.where(kept, stored, ops.zeros((), stored.dtype))

    def effective_in_step(self, stored: Any, kept: Any, extras: Mapping[str, Any]) -> Any:
        """Returns w, which is 0 where pruned; stops its gradient unless the optimizer masks it.

        XLA drops a `where` between two equal values and fuses the one on the gradients into the
        optimizer's update; `effective` would write a copy of the weight in every step.
        """
        if not masked_by_optimizer():
            return ops.where(kept, stored, ops.stop_gradient(stored))
        zero_in_place(stored, kept)  # on torch, if something wrote to it since the last step
        return stored


zero = _Zero()


class _Frozen(Fixed):
    """Pruned weights keep a fixed fill value instead of becoming zero.

    The fill is in a separate variable. Inside the weight, decoupled weight decay would change it
    even with its gradient stopped. So the stored weight is zero where pruned.

    Reference: Zhou et al., arXiv:1905.01067 (weights frozen at their initial value).
    """

    name = "frozen"
    extras = (Extra("fill"),)

    def effective(self, stored: Any, kept: Any, extras: Mapping[str, Any]) -> Any:
        """Returns w where kept, else the fill."""
        return ops.where(kept, stored, ops.stop_gradient(extras["fill"]))

    effective_in_step = effective


frozen = _Frozen()
