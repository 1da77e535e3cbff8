"""Ratios measured within one run, since times on one machine vary by 5-19 % between runs."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Key = TypeVar("Key")

CONFIDENCE = 0.95
PAIRS = 11


@dataclass(frozen=True)
class Sample:
    """Measured values, e.g. one ratio a pair.

    Args:
        values: shape (pairs,).
    """

    values: NDArray[np.float64]

    @property
    def median(self) -> float:
        return float(np.median(self.values))

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the median, without assuming a distribution.

        The k-th smallest and the k-th largest of n values enclose the median with probability
        `1 - 2 P(B < k)`, B binomial(n, 1/2); k is the largest for which this is at least 0.95.
        For fewer than 6 values there is no such k, and the interval is their whole range.
        """
        ordered = np.sort(self.values)
        k = _order(len(ordered))
        return float(ordered[k - 1]), float(ordered[-k])

    def holds(self, limit: float) -> bool:
        """Returns True if the median is at most `limit`, or the interval contains it."""
        return self.median <= limit or self.interval[0] <= limit <= self.interval[1]

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.median:.3g} [{low:.3g}, {high:.3g}]"


def ratios(seconds: Mapping[Key, NDArray[np.float64]], of: Key, to: Key) -> Sample:
    """Returns the ratio of each pair: seconds of one candidate divided by those of another."""
    return Sample(seconds[of] / seconds[to])


def in_turn(
    candidates: Mapping[Key, Callable[[], object]], pairs: int = PAIRS
) -> dict[Key, NDArray[np.float64]]:
    """Returns the seconds of each candidate, shape (pairs,).

    Each is called once beforehand, so that compilation isn't timed. Every other round runs in
    reverse order, so that no candidate always follows the same one.
    """
    for call in candidates.values():
        call()
    seconds = {name: np.zeros(pairs) for name in candidates}
    for pair in range(pairs):
        names = list(candidates)
        for name in names if pair % 2 == 0 else reversed(names):
            start = time.perf_counter()
            candidates[name]()
            seconds[name][pair] = time.perf_counter() - start
    return seconds


def _order(n: int) -> int:
    """Returns k of the interval between the k-th smallest and the k-th largest of n values."""
    k, missed = 1, 2.0 * 0.5**n
    while True:
        missed += 2.0 * math.comb(n, k) * 0.5**n
        if missed > 1 - CONFIDENCE or 2 * (k + 1) > n:
            return k
        k += 1
