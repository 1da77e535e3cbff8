"""Ratios of two things measured in one run, since one machine differs from itself by 5-19 %."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Sample:
    """Measured values, e.g. ratios, shape (pairs,)."""

    values: np.ndarray

    @property
    def median(self) -> float:
        return float(np.median(self.values))

    @property
    def interval(self) -> tuple[float, float]:
        """Percentile bootstrap of the median, 95 %."""
        rng = np.random.default_rng(0)
        n = len(self.values)
        medians = np.median(rng.choice(self.values, (10_000, n)), axis=1)
        low, high = np.percentile(medians, [2.5, 97.5])
        return float(low), float(high)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.median:.3g} [{low:.3g}, {high:.3g}]"


def interleaved(
    candidates: dict[str, Callable[[], object]], pairs: int = 11
) -> dict[str, np.ndarray]:
    """Returns seconds of each candidate, shape (pairs,): one warm-up, then each in turn."""
    for call in candidates.values():
        call()
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(pairs):
        for name, call in candidates.items():
            start = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - start)
    return {name: np.array(values) for name, values in seconds.items()}
