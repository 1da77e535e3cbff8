"""Pruned weights are zero."""

from collections.abc import Mapping
from typing import Any

from keras import ops

from keras_lottery.masking.parametrizations.base import Extra, Fixed
from keras_lottery.masking.step import is_guarded


class _Zero(Fixed):
    name = "zero"
    extras: tuple[Extra, ...] = ()

    def effective(self, stored: Any, kept: Any, extras: Mapping[str, Any]) -> Any:
        """Returns w where kept, else 0."""
        return ops.where(kept, stored, ops.zeros((), stored.dtype))

    def effective_in_step(self, stored: Any, kept: Any, extras: Mapping[str, Any]) -> Any:
        """Returns w, which is 0 where pruned, with no gradient there.

        XLA drops a `where` between two equal values and fuses the one on the gradients into the
        optimizer's update; `effective` would write a copy of the weight in every step.
        """
        return stored if is_guarded() else ops.where(kept, stored, ops.stop_gradient(stored))


zero = _Zero()
