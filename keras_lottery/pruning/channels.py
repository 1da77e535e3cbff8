"""Channels: coupled channels form one group, with all the weights that compute or read them.

`VariableInfo.channels` numbers the channels along each axis; coupled channels share a number.
Pruning a channel prunes its slice of every weight: filters, biases and scales that compute it, and
the weights that read it. Compaction then removes these slices.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError
from keras_lottery.pruning.allocation import Allocation
from keras_lottery.pruning.criteria import Criterion
from keras_lottery.pruning.patterns import Layout, ScoreOf, patterns, split, without_groups
from keras_lottery.pruning.topk import Score
from keras_lottery.types import MaskSet, VariableInfo

Array = NDArray[Any]
Ids = NDArray[np.int64]

_KERNELS = ("kernel", "recurrent", "embedding")


@dataclass(frozen=True, eq=False)
class _ChannelAxis:
    """One axis of a variable: the channel at each index, -1 if it can't be pruned.

    Args:
        info: the variable.
        axis: the axis.
        ids: the channels.
        before: the axes before it that have some of its channels too, such as the inputs of a
            recurrent kernel, with their channels.
    """

    info: VariableInfo
    axis: int
    ids: Ids
    before: tuple[tuple[int, Ids], ...] = ()

    def sums(self, values: Array, count: int) -> Array:
        """Returns the sum over the slice of each of `count` channels."""
        over = tuple(i for i in range(values.ndim) if i != self.axis)
        along = values.sum(axis=over)
        has = self.ids >= 0
        return np.bincount(self.ids[has], along[has], minlength=count)

    def only_here(self, values: Array) -> Array:
        """Returns values without those in a slice of the same channel along an axis before."""
        for axis, ids in self.before:
            again = (ids[:, None] == self.ids) & (self.ids >= 0)
            sizes = [n if i in (axis, self.axis) else 1 for i, n in enumerate(values.shape)]
            values = np.where(again.reshape(sizes), 0.0, values)
        return values

    def shaped(self, flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Returns channel flags along the axis, broadcastable against the variable."""
        along = np.where(self.ids >= 0, flags[self.ids], True)
        return along.reshape([-1 if i == self.axis else 1 for i in range(len(self.info.shape))])


@patterns.register("channels")
class Channels(Layout):
    """Channels, neurons, recurrent units and attention heads, coupled ones together.

    An array of groups is a set of channels computed by the same weights, such as the filters of a
    convolution or of all convolutions that are added up. Each set keeps at least one.

    Magnitude scores are compared as

        s(c) = mean over the kernels k with slices of c of  m_k(c) / mean over c' of m_k(c')

    with m_k(c) the mean (or root mean square) over the surviving weights of the slice, which makes
    sets of different fan-in and scale comparable. Saliencies, which are changes of the loss, are
    summed over all weights of a channel without normalization.

    With a number, as in `channels:8`, each set keeps a multiple of so many channels, or all of
    them: a cut gives its best channels back. CPU kernels compute 8 or 16 channels at a time.

    Reference: Fang et al. 2023, "DepGraph: towards any structural pruning", arXiv 2301.12900.
    """

    noun = "channels"
    shares_weights = True
    needs_channels = True
    sparsity = 0.5

    def __init__(self, infos: Sequence[VariableInfo], argument: str = "") -> None:
        self.check(argument)
        self._multiple = int(argument or 1)
        self.floor = f"every layer keeps {argument or 'one'} channel{'s' * (self._multiple > 1)}"
        if infos and not any(info.channels for info in infos):
            raise LotteryError(
                "Expected variables with channels. Received: none, so the model's channels were "
                "not traced. Call kl.prune(model, pattern='channels')."
            )
        self._axes = _channel_axes(infos)
        self.count = 1 + max((int(p.ids.max(initial=-1)) for p in self._axes), default=-1)
        self._sets = self._make_sets()
        arrays = [self._as_array(path, ids) for path, ids in self._sets.items()]
        self.infos = arrays or [
            without_groups(i, i.reason or "its channels can't be removed") for i in infos
        ]

    @classmethod
    def check(cls, argument: str) -> None:
        if not re.fullmatch(r"([1-9]\d*)?", argument):
            raise LotteryError(
                "Expected the pattern channels, or the number that each layer keeps a multiple of, "
                f"such as 'channels:8'. Received: {argument!r} after the colon. Change it."
            )

    @classmethod
    def check_exact(cls, argument: str) -> None:
        if argument:
            raise LotteryError(
                "Expected the pattern channels without a number here, because rounds prune exact "
                f"numbers of channels. Received: 'channels:{argument}'. Use 'channels', or "
                "kl.prune."
            )

    @classmethod
    def allocation(cls, scope: str) -> Allocation:
        if scope == "erk":
            raise LotteryError(
                "Expected a scope other than 'erk' with pattern='channels': Erdős–Rényi-kernel is "
                "defined by the shapes of single layers, and coupled channels belong to several. "
                "Received: 'erk'. Choose 'global', 'layer' or 'uniform'."
            )
        return super().allocation(scope)

    def fold(self, masks: MaskSet) -> MaskSet:
        """Returns which channels survive: channels computed by a surviving weight."""
        alive = np.zeros(self.count)
        for entry in self._axes:
            if entry.axis in entry.info.makes and entry.info.path in masks:
                alive += entry.sums(masks[entry.info.path], self.count)
        return {path: alive[ids] > 0 for path, ids in self._sets.items()}

    def unfold(self, groups: MaskSet, masks: MaskSet) -> MaskSet:
        alive = self.alive(groups)
        unfolded = {path: mask.copy() for path, mask in masks.items()}
        for entry in self._axes:
            if entry.info.path in unfolded:
                unfolded[entry.info.path] &= entry.shaped(alive)
        return unfolded

    def alive(self, groups: MaskSet) -> NDArray[np.bool_]:
        """Returns which channels survive, by number; shape `(channels,)`."""
        alive = np.ones(self.count, np.bool_)
        for path, mask in groups.items():
            alive[self._sets[path]] = mask
        return alive

    def scores(
        self, paths: Sequence[str], score_of: ScoreOf, masks: MaskSet, criterion: Criterion
    ) -> dict[str, Score]:
        wanted = np.zeros(self.count, np.bool_)
        for path in paths:
            wanted[self._sets[path]] = True
        alive = self.alive(self.fold(masks))
        entries = [p for p in self._scored(criterion) if wanted[p.ids[p.ids >= 0]].any()]
        total, parts = np.zeros(self.count), np.zeros(self.count)
        for entry in entries:
            self._add(entry, score_of(entry.info.path), masks, criterion, alive, total, parts)
        self._check(criterion, paths, parts)
        if criterion.reduction.mean:
            total = np.divide(total, parts, out=total, where=parts > 0)
        total = np.abs(total) if criterion.reduction.magnitude else total
        return {path: Score(total[self._sets[path]]) for path in paths}

    def least(self, info: VariableInfo) -> int:
        return self._multiple

    @property
    def most_given_back(self) -> int:
        return (self._multiple - 1) * len(self._sets)

    def settle(self, cut: MaskSet, groups: MaskSet, scores: Mapping[str, Score]) -> MaskSet:
        rounded = self._rounded_up
        return {p: rounded(mask, groups[p], scores[p].values) for p, mask in cut.items()}

    def _rounded_up(
        self, kept: NDArray[np.bool_], before: NDArray[np.bool_], scores: Array
    ) -> NDArray[np.bool_]:
        more = -int(kept.sum()) % self._multiple
        lost = np.flatnonzero(before & ~kept)
        back = lost[np.argsort(-scores[lost], kind="stable")[:more]]
        rounded = kept.copy()
        rounded[back] = True
        return rounded

    def permute_global(self, groups: MaskSet, rng: np.random.Generator) -> MaskSet:
        """Returns masks shuffled over all sets; each set keeps at least one random channel."""
        ordered = sorted(groups.items())
        sizes = np.array([mask.size for _, mask in ordered], np.int64)
        kept = sum(int(mask.sum()) for _, mask in ordered)
        flat = np.zeros(sizes.sum(), np.bool_)
        flat[np.cumsum(sizes) - sizes + rng.integers(sizes)] = True
        rest = rng.permutation(np.flatnonzero(~flat))
        flat[rest[: max(kept - len(sizes), 0)]] = True
        return split(flat, ordered)

    def _add(
        self,
        entry: _ChannelAxis,
        score: Score,
        masks: MaskSet,
        criterion: Criterion,
        alive: NDArray[np.bool_],
        total: Array,
        parts: Array,
    ) -> None:
        """Adds the scores of one axis of a variable to `total`, and counts it in `parts`."""
        reduction, mask = criterion.reduction, masks[entry.info.path]
        has = np.zeros(self.count, np.bool_)
        has[entry.ids[entry.ids >= 0]] = True
        if reduction.first:
            new = has & (parts == 0)
            first = np.moveaxis(score.values, entry.axis, 0).reshape(len(entry.ids), -1)[:, 0]
            where = np.flatnonzero(entry.ids >= 0)[::-1]  # the first index of a channel wins
            along = np.zeros(self.count)
            along[entry.ids[where]] = reduction.of(first, score.absolute)[where]
            total[new] = along[new]
            parts += has
            return
        values = np.where(mask, reduction.of(score.values, score.absolute), 0.0)
        sums = entry.sums(values if reduction.mean else entry.only_here(values), self.count)
        if reduction.mean:
            sums = reduction.finish(sums, entry.sums(np.ones_like(mask), self.count))
            scale = np.abs(sums[has & alive]).mean() if (has & alive).any() else 0.0
            sums = sums / scale if scale > 0 else sums
        total += sums
        parts += has

    def _scored(self, criterion: Criterion) -> list[_ChannelAxis]:
        """Returns the axes whose weights are scored."""
        if criterion.only:
            return [p for p in self._axes if p.info.path.rpartition("/")[2] == criterion.only]
        if not criterion.reduction.mean:
            return self._axes
        return [p for p in self._axes if p.info.kind in _KERNELS]

    def _check(self, criterion: Criterion, paths: Sequence[str], parts: Array) -> None:
        without = [path for path in paths if not parts[self._sets[path]].all()]
        if without:
            raise LotteryError(
                f"Expected a {criterion.only or 'kernel'} for all channels, to score them. "
                f"Received: none for the channels of {', '.join(without[:4])}. Choose another "
                "criterion, or exclude these layers."
            )

    def _make_sets(self) -> dict[str, Ids]:
        """Returns the channels by the first variable that computes them, in path order."""
        makers: list[list[int]] = [[] for _ in range(self.count)]
        for index, entry in enumerate(self._axes):
            if entry.axis in entry.info.makes:
                for channel in np.unique(entry.ids[entry.ids >= 0]).tolist():
                    makers[channel].append(index)
        members: dict[tuple[int, ...], list[int]] = {}
        for channel, indices in enumerate(makers):
            members.setdefault(tuple(indices), []).append(channel)
        sets: dict[str, Ids] = {}
        for makes, channels in members.items():
            path = name = self._axes[self._first(makes)].info.path
            times = 1
            while name in sets:
                times += 1
                name = f"{path}#{times}"
            sets[name] = np.array(channels, np.int64)
        self._makers = dict(zip(sets, members))
        return dict(sorted(sets.items()))

    def _first(self, makers: Sequence[int]) -> int:
        kernels = [i for i in makers if self._axes[i].info.kind in _KERNELS]
        return min(kernels or makers)

    def _as_array(self, path: str, ids: Ids) -> VariableInfo:
        makers = [self._axes[i].info for i in self._makers[path]]
        first = self._axes[self._first(self._makers[path])].info
        names = [name for info in makers for name in info.places]
        return replace(
            first,
            path=path,
            shape=(len(ids),),
            prunable=True,
            reason="",
            names=tuple(dict.fromkeys(names)),
            channels=(),
            makes=(),
        )


def _channel_axes(infos: Sequence[VariableInfo]) -> list[_ChannelAxis]:
    return [
        _ChannelAxis(info, axis, ids, _before(info, axis, ids))
        for info in infos
        if info.prunable
        for axis, ids in enumerate(info.channels)
        if ids is not None and (ids >= 0).any()
    ]


def _before(info: VariableInfo, axis: int, ids: Ids) -> tuple[tuple[int, Ids], ...]:
    return tuple(
        (i, earlier)
        for i, earlier in enumerate(info.channels[:axis])
        if earlier is not None and np.isin(earlier[earlier >= 0], ids).any()
    )
