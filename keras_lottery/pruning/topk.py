"""The exact cut: the k surviving weights of smallest score, over many arrays, without sorting.

Scores are mapped to unsigned keys of the same order, chunk by chunk from their float bits, without
copying the weights. A radix search over 16-bit digits finds the k-th smallest key, in two passes
over 32-bit keys or four over 64-bit ones. Each pass only needs sums of histograms, so arrays can be
on different hosts: add up the results of `Search.histogram`, then `narrow`. All arithmetic is
integer, so the result is the same on every machine.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import DivergedError, LotteryError
from keras_lottery.types import MaskSet

_DIGIT = 16
_CHUNK = 1 << 18  # weights per chunk: keys stay in the cache, temporary memory is a few MB

Histogram = NDArray[np.int64]
"""Counts of the surviving keys by digit, shape (65536,); histograms of shards add up."""

T = TypeVar("T")


@dataclass(frozen=True)
class Score:
    """The scores of a variable's weights; the smallest are pruned first.

    Args:
        values: float array of the variable's shape.
        absolute: rank by |values|, without computing or copying them.
    """

    values: NDArray[Any]
    absolute: bool = False


class _Span(NamedTuple):
    """One chunk of one variable, from flat index `start` (C order)."""

    path: str
    values: NDArray[Any]
    absolute: bool
    mask: NDArray[np.bool_]
    start: int


@dataclass(frozen=True)
class Search:
    """A radix search for the `rank`-th smallest key (from 1), one digit at a time.

    Args:
        rank: rank among the keys that start with `prefix`.
        bits: width of a key, 32 or 64.
        signed: scores may be negative.
        prefix: the digits known so far, as a number.
        known_bits: number of bits of `prefix`.
    """

    rank: int
    bits: int = 32
    signed: bool = False
    prefix: int = 0
    known_bits: int = 0

    @classmethod
    def start(cls, scores: Mapping[str, Score], rank: int) -> "Search":
        """Returns the search before its first pass; shards must start alike."""
        wide = any(_float_size(path, score.values) == 8 for path, score in scores.items())
        signed = not all(score.absolute for score in scores.values())
        return cls(rank, 64 if wide else 32, signed)

    @property
    def done(self) -> bool:
        """True once `prefix` is the key itself, and `rank` counts the equal ones to prune."""
        return self.known_bits == self.bits

    def histogram(self, scores: Mapping[str, Score], masks: MaskSet) -> Histogram:
        """Returns how many surviving keys with this `prefix` continue with each digit.

        Args:
            scores: scores of this shard's variables.
            masks: True where a weight survives, same paths and shapes.

        Raises:
            LotteryError: a surviving weight's score is NaN.
        """
        return sum(_share_out(_spans(scores, masks), self._count), _no_counts())

    def narrow(self, histogram: Histogram) -> "Search":
        """Returns the search with one more digit known, given the sum of all histograms."""
        cumulative = np.cumsum(histogram)
        digit = int(np.searchsorted(cumulative, self.rank))
        before = int(cumulative[digit - 1]) if digit else 0
        return replace(
            self,
            rank=self.rank - before,
            prefix=(self.prefix << _DIGIT) | digit,
            known_bits=self.known_bits + _DIGIT,
        )

    def _count(self, spans: Sequence[_Span]) -> Histogram:
        rest = self.bits - self.known_bits
        counts = _no_counts()
        for span in spans:
            keys = _keys(span, self.bits, self.signed, check=not self.known_bits)
            if self.known_bits:
                keys -= keys.dtype.type(self.prefix << rest)  # wraps: other prefixes end up large
                keys = keys[keys < keys.dtype.type(1 << rest)]
            digits = (keys >> (rest - _DIGIT)).view(f"i{keys.itemsize}")
            counts += np.bincount(digits, minlength=1 << _DIGIT)
        if not self.known_bits:
            counts[-1] = 0  # only pruned weights have this digit
        return counts


def cut(scores: Mapping[str, Score], masks: MaskSet, k: int) -> MaskSet:
    """Returns `masks` with the `k` surviving weights of smallest score pruned.

    Ties are broken by path order, then by flat index (C order). A surviving weight that is exactly
    0 counts as surviving.

    Args:
        scores: scores of each variable.
        masks: True where a weight survives, same paths and shapes; unchanged.
        k: number of weights to prune, at most the number of survivors.

    Raises:
        LotteryError: a score is NaN or not a float, or fewer than `k` weights survive.
    """
    surviving = sum(int(np.count_nonzero(masks[path])) for path in scores)
    if not 0 <= k <= surviving:
        raise LotteryError(
            f"Expected to prune between 0 and {surviving} weights, the number that survive. "
            f"Received: {k}. Choose a lower sparsity."
        )
    if k == 0:
        return {path: masks[path].copy() for path in sorted(scores)}
    search = Search.start(scores, k)
    while not search.done:
        search = search.narrow(search.histogram(scores, masks))
    return _keep_above(search, scores, masks)


def _keep_above(search: Search, scores: Mapping[str, Score], masks: MaskSet) -> MaskSet:
    """Keeps keys above the k-th smallest, and all but the first `rank` keys equal to it."""
    kept = {path: np.empty(score.values.shape, np.bool_) for path, score in sorted(scores.items())}
    flat = {path: mask.reshape(-1) for path, mask in kept.items()}

    def write(spans: Sequence[_Span]) -> list[int]:
        equal = []
        for span in spans:
            keys = _keys(span, search.bits, search.signed)
            keep = flat[span.path][span.start : span.start + keys.size]
            np.greater(keys, keys.dtype.type(search.prefix), out=keep)
            keep &= span.mask
            equal.append(int(np.count_nonzero(keys == search.prefix)))
        return equal

    spans = _spans(scores, masks)
    workers = _workers(spans)
    groups = _share_out(spans, write)
    to_prune = search.rank
    for i, span in enumerate(spans):
        equal = groups[i % workers][i // workers]
        if equal > to_prune:
            where = np.flatnonzero(_keys(span, search.bits, search.signed) == search.prefix)
            flat[span.path][span.start + where[to_prune:]] = True
        to_prune = max(0, to_prune - equal)
    return kept


def _keys(span: _Span, bits: int, signed: bool, check: bool = False) -> NDArray[Any]:
    """Returns unsigned keys in the order of the scores; all ones where the weight is pruned.

    The bits of non-negative floats, read as integers, sort like the floats. So the key is the bits
    of |score|, or 2^(bits-1) ± |score| in a search over signed scores, which makes -0 equal to 0.
    """
    values = span.values
    if values.dtype != np.dtype(f"f{bits // 8}"):
        values = values.astype(f"f{bits // 8}")
    stored = values.view(f"u{bits // 8}")
    half = stored.dtype.type(1 << (bits - 1))
    keys = stored & (half - stored.dtype.type(1))
    if check and keys.max(initial=0) > _infinity(bits):
        refuse_nan(span.path, values[span.mask])
    if signed and not span.absolute:
        minus = (stored.view(f"i{bits // 8}") >> (bits - 1)).view(keys.dtype)
        keys = (keys ^ minus) - minus  # minus is all ones for a negative score: -key, else key
    if signed:
        keys += half
    if not span.mask.all():
        # False - 1 is -1, all ones after sign extension; True - 1 is 0. This `or` is several times
        # faster than assigning through the mask.
        pruned = (span.mask.view(np.int8) - np.int8(1)).astype(f"i{bits // 8}")
        keys |= pruned.view(keys.dtype)
    return keys


def refuse_nan(path: str, scores: NDArray[Any]) -> None:
    """Raises DivergedError if a score is NaN."""
    if np.isnan(scores).any():
        raise DivergedError(
            f"Expected scores without NaN. Received: NaN for weights of {path}. Training probably "
            "diverged: check its loss."
        )


def _infinity(bits: int) -> int:
    return 0x7F80_0000 if bits == 32 else 0x7FF0_0000_0000_0000


def _no_counts() -> Histogram:
    return np.zeros(1 << _DIGIT, np.int64)


def _float_size(path: str, values: NDArray[Any]) -> int:
    """Returns the size in bytes, 4 or 8, of a float type that holds these scores exactly."""
    dtype = values.dtype
    if "float" in dtype.name and dtype.itemsize <= 8:
        return 8 if dtype.itemsize == 8 else 4
    raise LotteryError(
        f"Expected float scores of at most 64 bits for {path}. Received: {dtype}. Convert them."
    )


def _spans(scores: Mapping[str, Score], masks: MaskSet) -> list[_Span]:
    """Returns all weights in tie-breaking order, chunk by chunk."""
    spans = []
    for path, score in sorted(scores.items()):
        values, mask = score.values.reshape(-1), masks[path].reshape(-1)
        for start in range(0, values.size, _CHUNK):
            chunk = slice(start, start + _CHUNK)
            spans.append(_Span(path, values[chunk], score.absolute, mask[chunk], start))
    return spans


def _workers(spans: Sequence[_Span]) -> int:
    """NumPy releases the GIL inside a chunk; threads don't help a few small arrays."""
    return min(4, os.cpu_count() or 1) if len(spans) >= 16 else 1


def _share_out(spans: Sequence[_Span], work: Callable[[Sequence[_Span]], T]) -> list[T]:
    """Returns `work(spans[i::workers])` for each worker i, run in parallel."""
    workers = _workers(spans)
    if workers == 1:
        return [work(spans)]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, [spans[i::workers] for i in range(workers)]))
