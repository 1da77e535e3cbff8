"""The spectrum of a diagonal, and the gap in it at which a network is cut."""

from dataclasses import dataclass
from math import ceil, floor, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError
from keras_lottery.types import Weights

ROWS = 400
"""Rows of a spectrum's table at most."""


@dataclass(frozen=True)
class Gap:
    """Where a spectrum is cut.

    Args:
        dimension: number of values below the gap.
        size: relative gap, (b - a) / b of the value a below it and b above it, in [0, 1].
    """

    dimension: int
    size: float


class Spectrum:
    """The sorted absolute values of a diagonal that are not 0.

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
                "Expected a curvature that is not 0 everywhere. Received: 0 for every weight. "
                "Check that the network is not dead at the rewind point."
            )

    def largest_gap(self, window: tuple[int, int]) -> Gap:
        """Returns the largest relative gap below which as many values lie as a window allows.

        Args:
            window: smallest and largest number of values below the gap, both allowed.

        Raises:
            LotteryError: there are too few values for any cut of the window.
        """
        last = self.values.size - 1
        low, high = max(1, window[0]), min(last, window[1])
        if low > high:
            raise LotteryError(
                f"Expected more than {window[0]} weights with a curvature. "
                f"Received: {self.values.size} (of {self.zeros} others it is 0). "
                "Prune more a round, or evaluate the curvature at another rewind point."
            )
        places = np.arange(low, high + 1)
        gaps = 1 - self.values[places - 1] / self.values[places]
        return Gap(int(places[np.argmax(gaps)]), float(gaps.max()))

    def rows(self) -> list[dict[str, float]]:
        """Returns the table of the spectrum: `index` (from 1) and `value`, evenly spread in both
        the logarithm of the index from below and that from above."""
        size = self.values.size
        steps = np.geomspace(1, size, ROWS // 2).astype(int)
        chosen = np.unique(np.concatenate([steps, size + 1 - steps]))
        return [{"index": float(i), "value": float(self.values[i - 1])} for i in chosen]


def window(before: int, keep: int) -> tuple[int, int]:
    """Returns the numbers of weights that a round may keep: halfway to the rounds beside it.

        [n √q, n / √q],   q = n / n_before

    so that under a constant rate the windows of all rounds lie side by side.

    Args:
        before: weights that the round before keeps.
        keep: n, weights that the round keeps.
    """
    half = sqrt(keep / before)
    return ceil(keep * half), floor(keep / half)
