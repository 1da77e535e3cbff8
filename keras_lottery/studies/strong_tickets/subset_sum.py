"""Fixed-size subset sums: the k of n numbers whose sum is nearest to a target; only NumPy."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError

MOST = 48
"""Largest n: each half then has at most 2²⁴ subsets."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Nearest:
    """The subset of each target whose sum is nearest to it.

    Args:
        chosen: True = in the subset; shape `(targets, n)`.
        sums: sum of each subset; shape `(targets,)`.
        errors: distance of each sum from its target; shape `(targets,)`.
    """

    chosen: NDArray[np.bool_]
    sums: Floats
    errors: Floats


class SubsetSums:
    """The sums of all subsets of n numbers, as two halves grouped by size and sorted.

    Meet in the middle: a subset of k numbers has i of the first half and k - i of the second.
    For each i the sums of the first half are looked up in the sorted ones of the second, so that
    time and memory grow with the subsets of a half, C(n/2, i), not with C(n, k).

    Args:
        values: the numbers; shape `(n,)`.
        largest: largest subset size that will be requested; None: all n numbers.

    Raises:
        LotteryError: there are no numbers, more than `MOST`, or `largest` is not from 1 to n.

    Example:
        >>> SubsetSums(np.array([1.0, 2.0, 4.0, 8.0])).nearest(2, [9.2]).chosen
        array([[ True, False, False,  True]])

    Reference:
        The random fixed-size subset sum of Natale et al. 2024, Theorem 2.
    """

    def __init__(self, values: NDArray[np.floating], largest: int | None = None) -> None:
        values = np.asarray(values, np.float64)
        if values.ndim != 1 or not 1 <= len(values) <= MOST:
            raise LotteryError(
                f"Expected a list of 1 to {MOST} numbers. Received: shape {values.shape}. "
                "Choose fewer numbers, or at least one."
            )
        self.n = len(values)
        self.largest = self.n if largest is None else checked_size(largest, self.n)
        half = self.n // 2
        self._first = _by_size(values[:half], min(self.largest, half))
        second = _by_size(values[half:], min(self.largest, self.n - half))
        self._order = [np.argsort(sums, kind="stable") for sums in second]
        self._second = [sums[order] for sums, order in zip(second, self._order)]

    def nearest(self, size: int, targets: NDArray[np.floating] | list[float]) -> Nearest:
        """Returns the subset of exactly `size` numbers nearest to each target.

        Args:
            size: k, from 1 to `largest`.
            targets: shape `(targets,)`.

        Raises:
            LotteryError: k is not between 1 and `largest`.
        """
        checked_size(size, self.largest)
        targets = np.asarray(targets, np.float64)
        best = np.full(len(targets), np.inf)
        place = np.zeros((len(targets), 3), np.int64)  # size in the first half, place, place
        for i, first, second in self._pairs(size):
            for t, target in enumerate(targets):
                error, left, right = _nearest_pair(first, second, target)
                if error < best[t]:
                    best[t], place[t] = error, (i, left, right)
        chosen = np.stack([self._members(size, *p) for p in place.tolist()])
        sums = self._sums(size, place)
        return Nearest(chosen, sums, np.abs(sums - targets))

    def _pairs(self, size: int) -> Iterator[tuple[int, Floats, Floats]]:
        """Yields pairs of sums of both halves that together have `size` members."""
        for i in range(max(0, size - len(self._second) + 1), min(size, len(self._first) - 1) + 1):
            yield i, self._first[i], self._second[size - i]

    def _sums(self, size: int, place: NDArray[np.int64]) -> Floats:
        sums = [self._first[i][a] + self._second[size - i][b] for i, a, b in place.tolist()]
        return np.array(sums)

    def _members(self, size: int, i: int, left: int, right: int) -> NDArray[np.bool_]:
        half = self.n // 2
        first = int(_members(half, i)[left])
        second = int(_members(self.n - half, size - i)[self._order[size - i][right]])
        bits = first | second << half
        return np.array([bits >> j & 1 for j in range(self.n)], bool)


def checked_size(size: int, n: int) -> int:
    """Returns `size` if it is between 1 and n.

    Raises:
        LotteryError: it is not.
    """
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or not 1 <= size <= n:
        raise LotteryError(
            f"Expected k, the members of a subset, as a whole number from 1 to n = {n}. "
            f"Received: {size!r}. Choose another k, or more numbers."
        )
    return int(size)


def _nearest_pair(first: Floats, second: Floats, target: float) -> tuple[float, int, int]:
    """Returns the distance and the places of the pair whose sum is nearest to `target`."""
    wanted = target - first
    above = np.searchsorted(second, wanted)
    best = (np.inf, 0, 0)
    for near in (np.minimum(above, len(second) - 1), np.maximum(above - 1, 0)):
        distance = np.abs(second[near] - wanted)
        left = int(distance.argmin())
        if distance[left] < best[0]:
            best = (float(distance[left]), left, int(near[left]))
    return best


def _by_size(values: NDArray, largest: int) -> list[NDArray]:
    """Returns the sums of all subsets of each size from 0 to `largest`, in one fixed order."""
    groups = [np.zeros(1, values.dtype)]
    groups += [np.zeros(0, values.dtype) for _ in range(largest)]
    for value in values:
        for size in range(largest, 0, -1):
            groups[size] = np.concatenate([groups[size], groups[size - 1] + value])
    return groups


@lru_cache(maxsize=64)
def _members(n: int, size: int) -> NDArray[np.int64]:
    """Returns the subsets of one size in the order of `_by_size`, bit j standing for number j."""
    return _by_size(1 << np.arange(n, dtype=np.int64), size)[size]
