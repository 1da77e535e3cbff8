"""Kept weights, else a fixed fill: pruned weights stay at a value instead of going to zero."""

from collections.abc import Mapping
from typing import Any

from keras import ops

from keras_lottery.masking.parametrizations.base import Extra, Fixed


class _Frozen(Fixed):
    """The fill has a variable of its own.

    Kept in the weight with its gradient stopped, it would still be moved by decoupled weight
    decay; so the stored weight is zero where pruned, and the fill stands beside it.

    Reference: Zhou et al., arXiv:1905.01067 (weights frozen at their initial value).
    """

    name = "frozen"
    extras = (Extra("fill"),)

    def effective(self, stored: Any, kept: Any, extras: Mapping[str, Any]) -> Any:
        """Returns w where m, else the fill."""
        return ops.where(kept, stored, ops.stop_gradient(extras["fill"]))

    effective_in_step = effective


frozen = _Frozen()
