"""Reducing the scores of weights to the score of their group."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FIRST", "MEAN", "ROOT_MEAN_SQUARE", "SUM", "SUM_MAGNITUDE", "Reduction"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Reduction:
    """Reduces the scores s of a group's n weights to one score.

        (Σ |s|^power / n)^(1/power),   or without the mean, or without the absolute value

    Args:
        power: 1, or 2 for the root mean square.
        mean: divide by n; otherwise larger groups have larger scores.
        first: use the score of the first weight.
        magnitude: use the absolute value of the result.
    """

    power: int = 1
    mean: bool = True
    first: bool = False
    magnitude: bool = False

    def of(self, values: Array, absolute: bool) -> Array:
        """Returns the summands in float64; `absolute` as in `topk.Score`."""
        values = values.astype(np.float64)
        if self.power == 2:
            return values * values
        return np.abs(values) if absolute and not self.magnitude else values

    def finish(self, total: Array, count: Array) -> Array:
        """Returns the scores of groups from their sums and numbers of weights."""
        if self.mean:
            total = np.divide(total, count, out=np.zeros_like(total), where=count > 0)
        if self.power == 2:
            return np.sqrt(total)
        return np.abs(total) if self.magnitude else total


MEAN = Reduction()
ROOT_MEAN_SQUARE = Reduction(power=2)
SUM = Reduction(mean=False)
SUM_MAGNITUDE = Reduction(mean=False, magnitude=True)
FIRST = Reduction(mean=False, first=True)
