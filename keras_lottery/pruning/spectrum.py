"""The spectrum of a diagonal, and the gap at which a network is pruned."""

from dataclasses import dataclass
from math import ceil, floor, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError
from keras_lottery.types import Weights

ROWS = 400
"""Maximal number of rows of a spectrum's table."""


@dataclass(frozen=True)
class Gap:
    """A gap in a spectrum.

    Args:
        dimension: number of values below the gap.
        size: relative gap (b - a) / b between the values a below and b above, in [0, 1].
    """

    dimension: int
    size: float


class Spectrum:
    """The sorted nonzero absolute values of a diagonal.

    Args:
        diagonal: values by path; the sign is dropped.

    Raises:
        LotteryError: every value is 0.
    """

    def __init__(self, diagonal: Weights) -> None:
        flat = np.concatenate([np.abs(v).reshape(-1) for _, v in sorted(diagonal.items())])
        self.values: NDArray[Any] = np.sort(flat[flat > 0])
        self.zeros = flat.size - self.values.size
        if not self.values.size:
            raise LotteryError(
                "Expected a nonzero curvature of some weight. Received: 0 for every weight. "
                "Check that the network is not dead at the rewind point."
            )

    def largest_gap(self, window: tuple[int, int]) -> Gap:
        """Returns the largest relative gap with a number of values below it within a window.

        Args:
            window: smallest and largest number of values below the gap, inclusive.

        Raises:
            LotteryError: there are too few values for the window.
        """
        last = self.values.size - 1
        low, high = max(1, window[0]), min(last, window[1])
        if low > high:
            raise LotteryError(
                f"Expected more than {window[0]} weights with a nonzero curvature. "
                f"Received: {self.values.size} (and {self.zeros} with 0). "
                "Prune more per round, or evaluate the curvature at another rewind point."
            )
        counts = np.arange(low, high + 1)
        gaps = 1 - self.values[counts - 1] / self.values[counts]
        return Gap(int(counts[np.argmax(gaps)]), float(gaps.max()))

    def rows(self) -> list[dict[str, float]]:
        """Returns the table of the spectrum: `index` (from 1) and `value`.

        Indices are spaced logarithmically from both ends.
        """
        size = self.values.size
        steps = np.geomspace(1, size, ROWS // 2).astype(int)
        chosen = np.unique(np.concatenate([steps, size + 1 - steps]))
        return [{"index": float(i), "value": float(self.values[i - 1])} for i in chosen]


def window(before: int, keep: int) -> tuple[int, int]:
    """Returns the range of weights that a round may keep: halfway to the adjacent rounds.

        [n √q, n / √q],   q = n / n_before

    Under a constant rate, the windows of successive rounds are adjacent.

    Args:
        before: n_before, weights that the previous round keeps.
        keep: n, weights that the round keeps.
    """
    half = sqrt(keep / before)
    return ceil(keep * half), floor(keep / half)
