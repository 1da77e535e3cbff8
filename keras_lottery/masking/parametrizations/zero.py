"""Kept weights, else zero."""

from collections.abc import Mapping
from typing import Any

from keras import ops

from keras_lottery.masking.parametrizations.base import Extra


class _Zero:
    name = "zero"
    extras: tuple[Extra, ...] = ()

    def effective(self, stored: Any, kept: Any, extras: Mapping[str, Any]) -> Any:
        """Returns w where m, else 0."""
        return ops.where(kept, stored, ops.zeros((), stored.dtype))


zero = _Zero()
