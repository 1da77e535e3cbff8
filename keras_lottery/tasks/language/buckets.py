"""The order of batches whose sentences are of about the same length."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError
from keras_lottery.training import ArrayData, length
from keras_lottery.training.data import Arrays

_Shuffled = tuple[NDArray[np.int64], list[NDArray[np.int64]]]


def in_buckets(data: ArrayData, parts: Sequence[Arrays], batches: Sequence[int]) -> ArrayData:
    """Returns the data with training batches from buckets.

    Args:
        data: the arrays; `train` isn't trained on.
        parts: the training arrays of each bucket.
        batches: batch size of each bucket.
    """
    sizes, each = tuple(length(part) for part in parts), tuple(batches)
    small = sum(size for size, batch in zip(sizes, each) if size < batch)
    if 0 < small < sum(sizes):
        warnings.warn(
            f"{small} of {sum(sizes):,} sentences are too few of their length for a batch, so "
            "they are not trained on. Choose fewer data.lengths, or a smaller train.batch_size.",
            stacklevel=2,
        )
    return replace(data, parts=tuple(parts), order=lambda _, seed: BucketOrder(sizes, each, seed))


@dataclass(frozen=True)
class BucketOrder:
    """Batches from length buckets, reshuffled in each epoch; an `Order`.

    Each batch has sentences of one length; the remainder of a bucket is left out in that epoch.

    Args:
        sizes: number of sentences in each bucket.
        batches: batch size of each bucket.
        seed: equal seeds give equal orders on every machine and backend.
    """

    sizes: tuple[int, ...]
    batches: tuple[int, ...]
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.steps_per_epoch:
            raise LotteryError(
                f"Expected sentences for at least one batch of one length. Received: "
                f"{sum(self.sizes)}. Choose a smaller train.batch_size, or fewer data.lengths."
            )

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of batches per bucket in an epoch."""
        return tuple(n // b for n, b in zip(self.sizes, self.batches, strict=True))

    @property
    def steps_per_epoch(self) -> int:
        return sum(self.counts)

    @property
    def longest_run(self) -> int:
        return 1

    @cached_property
    def shapes(self) -> tuple[int, ...]:
        first = {self.part(step): step for step in reversed(range(self.steps_per_epoch))}
        return tuple(first.values())

    def epoch(self, step: int) -> int:
        return step // self.steps_per_epoch

    def part(self, step: int) -> int:
        return int(self._shuffled(self.epoch(step))[0][step % self.steps_per_epoch])

    def run_end(self, step: int) -> int:
        return step + 1

    def rows(self, start: int, stop: int) -> NDArray[np.int32]:
        parts, orders = self._shuffled(self.epoch(start))
        place = start % self.steps_per_epoch
        part = int(parts[place])
        before = int((parts[:place] == part).sum())
        size = self.batches[part]
        return orders[part][before * size : (before + 1) * size].astype(np.int32)[None]

    def _shuffled(self, epoch: int) -> _Shuffled:
        """Returns the bucket of every step of an epoch, and the order of each bucket."""
        if epoch not in self._held:
            rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([self.seed, epoch])))
            orders = [rng.permutation(size) for size in self.sizes]
            parts = rng.permutation(np.repeat(np.arange(len(self.sizes)), self.counts))
            self._held.clear()
            self._held[epoch] = parts, orders
        return self._held[epoch]

    @cached_property
    def _held(self) -> dict[int, _Shuffled]:
        """The order of the last requested epoch."""
        return {}
