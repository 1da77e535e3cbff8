"""Pruned weights keep a fixed fill value instead of becoming zero."""

from collections.abc import Mapping
from typing import Any

from keras import ops

from keras_lottery.masking.parametrizations.base import Extra, Fixed


class _Frozen(Fixed):
    """Stores the fill in a separate variable.

    Inside the weight, decoupled weight decay would change it even with its gradient stopped. So
    the stored weight is zero where pruned.

    Reference: Zhou et al., arXiv:1905.01067 (weights frozen at their initial value).
    """

    name = "frozen"
    extras = (Extra("fill"),)

    def effective(self, stored: Any, kept: Any, extras: Mapping[str, Any]) -> Any:
        """Returns w where kept, else the fill."""
        return ops.where(kept, stored, ops.stop_gradient(extras["fill"]))

    effective_in_step = effective


frozen = _Frozen()
