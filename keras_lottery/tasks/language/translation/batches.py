"""Length buckets of sentences, and the order of batches with about equal numbers of subwords."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError
from keras_lottery.tasks.language.translation.subwords import END, PAD, START
from keras_lottery.training.data import Arrays

Ids = list[NDArray[np.int32]]
_Shuffled = tuple[NDArray[np.int64], list[NDArray[np.int64]]]


def padded(sentences: Ids, length: int) -> NDArray[np.int32]:
    """Returns `(sentences, length)`; longer sentences are cut, and keep their end token."""
    rows = np.full((len(sentences), length), PAD, np.int32)
    for row, ids in zip(rows, sentences):
        row[: len(ids)] = ids[:length]
        row[length - 1] = row[length - 1] and END
    return rows


def arrays(source: Ids, target: Ids, length: int) -> Arrays:
    """Returns `((source, decoder inputs), labels)`."""
    labels = padded(target, length)
    known = np.concatenate([np.full((len(labels), 1), START, np.int32), labels[:, :-1]], axis=1)
    known[known == END] = PAD
    return (padded(source, length), known), labels


def buckets(source: Ids, target: Ids, lengths: Sequence[int]) -> list[Arrays]:
    """Returns the arrays of the pairs in each bucket; longer pairs are skipped.

    Raises:
        LotteryError: no pair is short enough.
    """
    longest = np.array([max(len(s), len(t)) for s, t in zip(source, target, strict=True)])
    place = np.searchsorted(np.asarray(lengths), longest)
    parts = []
    for index, length in enumerate(lengths):
        chosen = np.flatnonzero(place == index)
        if len(chosen):
            parts.append(arrays([source[i] for i in chosen], [target[i] for i in chosen], length))
    if not parts:
        raise LotteryError(
            f"Expected pairs of at most {lengths[-1]} subwords. Received: {len(longest)} pairs, "
            f"the shortest of {longest.min()}. Set data.lengths."
        )
    return parts


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
                f"Expected sentences for at least one batch. Received: {sum(self.sizes)}. "
                "Choose a smaller train.batch_size (subwords a step)."
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
