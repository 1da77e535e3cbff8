"""Patterns: which weights are pruned together.

A pattern turns a criterion's scores of weights into scores of groups of weights, and counts,
allocations and the exact cut then apply to groups. To add a pattern, register a subclass of
`Layout`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError
from keras_lottery.pruning.allocation import Allocation, allocations
from keras_lottery.pruning.criteria import Criterion, criteria
from keras_lottery.pruning.topk import Score
from keras_lottery.registry import Registry
from keras_lottery.types import MaskSet, VariableInfo

__all__ = [
    "Blocks",
    "Layout",
    "check_choices",
    "check_exact_pattern",
    "check_pattern",
    "layout_of",
    "needs_channels",
    "patterns",
]

Array = NDArray[Any]
ScoreOf = Callable[[str], Score]
"""From the path of a variable to the scores of its weights."""


class Layout:
    """The groups of weights of a model; in this base class, each weight is a group.

    Arrays of groups have a path, a shape and masks, like arrays of weights.

    Args:
        infos: the variables of the model.
        argument: the argument after the pattern's name, e.g. `4x4`.

    Attributes:
        infos: descriptions of the arrays of groups.
        noun: plural noun for the groups.
        shares_weights: True if a weight can be in several groups.
        needs_channels: True if `infos` must include the channels.
        floor: why some groups always survive, for errors.
        sparsity: default fraction of the groups to prune.
    """

    noun = "weights"
    floor = "each layer keeps some"
    shares_weights = False
    needs_channels = False
    sparsity = 0.9
    infos: Sequence[VariableInfo]

    def __init__(self, infos: Sequence[VariableInfo], argument: str = "") -> None:
        self.check(argument)
        self.infos = infos

    @property
    def most_given_back(self) -> int:
        """How many of the groups that a cut would prune `settle` may keep."""
        return 0

    @classmethod
    def check(cls, argument: str) -> None:
        """Raises LotteryError if the argument is invalid."""
        if argument:
            raise LotteryError(
                "Expected no argument for this pattern. Received: "
                f"{argument!r} after the colon. Leave it out."
            )

    @classmethod
    def check_exact(cls, argument: str) -> None:
        """Raises LotteryError if a cut can prune fewer groups than it was asked to."""

    @classmethod
    def check_criterion(cls, name: str) -> None:
        """Raises LotteryError if a criterion is unknown or can't score these groups."""
        if (only := criteria[name].only) and not cls.needs_channels:
            raise LotteryError(
                f"Expected pattern='channels' with the criterion {name!r}, which scores whole "
                f"channels by their {only}. Received: a pattern of {cls.noun}. Change one of the "
                "two."
            )
        if criteria[name].single and cls is not Layout:
            raise LotteryError(
                f"Expected pattern='weights' with the criterion {name!r}, which scores single "
                f"weights. Received: a pattern of {cls.noun}. Choose another criterion, such as "
                "'taylor'."
            )

    @classmethod
    def allocation(cls, scope: str) -> Allocation:
        """Returns an allocation; raises LotteryError if it is unknown or undefined here."""
        return allocations[scope]

    def fold(self, masks: MaskSet) -> MaskSet:
        """Returns which groups survive: groups with a surviving weight."""
        return masks

    def unfold(self, groups: MaskSet, masks: MaskSet) -> MaskSet:
        """Returns the masks of the weights of the surviving groups.

        Args:
            groups: masks of the groups.
            masks: masks of all variables, limited to the surviving groups.
        """
        return {**masks, **groups}

    def scores(
        self, paths: Sequence[str], score_of: ScoreOf, masks: MaskSet, criterion: Criterion
    ) -> dict[str, Score]:
        """Returns the scores of arrays of groups.

        Args:
            paths: the arrays.
            score_of: returns the scores of a variable's weights.
            masks: the masks of all variables.
            criterion: the criterion.
        """
        return {path: score_of(path) for path in paths}

    def candidates(self, scores: Mapping[str, Score], groups: MaskSet) -> MaskSet:
        """Returns the surviving groups that may be pruned."""
        return groups

    def settle(self, cut: MaskSet, groups: MaskSet, scores: Mapping[str, Score]) -> MaskSet:
        """Returns a cut with some groups given back.

        Args:
            cut: masks after the cut.
            groups: masks before it.
            scores: the scores that it was made by.
        """
        return cut

    def least(self, info: VariableInfo) -> int:
        """Returns how many groups of an array always survive."""
        return 0

    def permute_layer(self, groups: MaskSet, rng: np.random.Generator) -> MaskSet:
        """Returns masks of groups shuffled within each array."""
        return {
            path: rng.permutation(mask.reshape(-1)).reshape(mask.shape)
            for path, mask in sorted(groups.items())
        }

    def permute_global(self, groups: MaskSet, rng: np.random.Generator) -> MaskSet:
        """Returns masks of groups shuffled over all arrays."""
        ordered = sorted(groups.items())
        flat = np.concatenate([np.zeros(0, np.bool_), *(mask.reshape(-1) for _, mask in ordered)])
        rng.shuffle(flat)
        return split(flat, ordered)


def split(flat: NDArray[np.bool_], ordered: Sequence[tuple[str, Array]]) -> MaskSet:
    """Splits a flat array into masks with the paths and shapes of `ordered`."""
    ends = np.cumsum([mask.size for _, mask in ordered])[:-1]
    return {
        path: part.reshape(mask.shape).copy()
        for (path, mask), part in zip(ordered, np.split(flat, ends))
    }


patterns: Registry[type[Layout]] = Registry("pattern")

_N_OF_M = re.compile(r"\d+:\d+")


def layout_of(pattern: str, infos: Sequence[VariableInfo]) -> Layout:
    """Returns the groups of weights of a model.

    Args:
        pattern: `weights`, `channels`, `channels:8`, `2:4` (N:M sparsity), `block:4x4`, or another
            registered pattern, with its argument after a colon.
        infos: the variables; for `channels`, those of `compaction.channels.channel_inventory`.

    Raises:
        LotteryError: the pattern is unknown, or its argument is invalid.
    """
    name, argument = _parts(pattern)
    return patterns[name](infos, argument)


def check_pattern(pattern: str) -> None:
    """Raises LotteryError if a pattern is unknown, or its argument is invalid."""
    name, argument = _parts(pattern)
    patterns[name].check(argument)


def check_exact_pattern(pattern: str) -> None:
    """Raises LotteryError if a pattern is invalid, or doesn't prune exact numbers of groups."""
    check_pattern(pattern)
    name, argument = _parts(pattern)
    patterns[name].check_exact(argument)


def check_choices(pattern: str, criterion: str, scope: str) -> None:
    """Raises LotteryError if a name is unknown, or the three don't go together."""
    check_pattern(pattern)
    layout = patterns[_parts(pattern)[0]]
    layout.check_criterion(criterion)
    layout.allocation(scope)


def needs_channels(pattern: str) -> bool:
    """Returns True if a pattern needs the channels of the variables."""
    return patterns[_parts(pattern)[0]].needs_channels


def _parts(pattern: str) -> tuple[str, str]:
    if isinstance(pattern, str) and _N_OF_M.fullmatch(pattern):
        return "n:m", pattern
    if not isinstance(pattern, str) or pattern in patterns:
        return pattern, ""
    name, _, argument = pattern.partition(":")
    return (name, argument) if name in patterns else (pattern, "")


patterns.add("weights", Layout, "Single weights.")


def without_groups(info: VariableInfo, reason: str) -> VariableInfo:
    """Returns a variable marked as not prunable."""
    return replace(info, prunable=False, reason=reason) if info.prunable else info


@patterns.register("block")
class Blocks(Layout):
    """Blocks of the last two axes, `block:4x4`: rows are inputs, columns outputs.

    Blocks at the edge are smaller if an axis is not a multiple of the size.

    Reference: Gray et al. 2017, "GPU kernels for block-sparse weights".
    """

    noun = "blocks"

    def __init__(self, infos: Sequence[VariableInfo], argument: str = "") -> None:
        self.check(argument)
        self._size = tuple(map(int, argument.split("x")))
        self.infos = [self._folded(info) for info in infos]
        self._shapes = {info.path: info.shape for info in infos}

    @classmethod
    def check(cls, argument: str) -> None:
        if not re.fullmatch(r"[1-9]\d*x[1-9]\d*", argument):
            raise LotteryError(
                "Expected the pattern block with a number of rows and columns, such as "
                f"'block:4x4'. Received: {argument!r}. Pass both."
            )

    def _folded(self, info: VariableInfo) -> VariableInfo:
        if len(info.shape) < 2:
            return without_groups(info, "block: it has only one axis")
        sides = (-(-side // size) for side, size in zip(info.shape[-2:], self._size))
        return replace(info, shape=(*info.shape[:-2], *sides))

    def fold(self, masks: MaskSet) -> MaskSet:
        return {
            path: self._reduce(np.logical_or, mask) for path, mask in masks.items() if mask.ndim > 1
        }

    def unfold(self, groups: MaskSet, masks: MaskSet) -> MaskSet:
        return {**masks, **{path: self._spread(groups[path], masks[path]) for path in groups}}

    def scores(
        self, paths: Sequence[str], score_of: ScoreOf, masks: MaskSet, criterion: Criterion
    ) -> dict[str, Score]:
        return {p: Score(self._score(score_of(p), masks[p], criterion)) for p in paths}

    def _score(self, score: Score, mask: NDArray[np.bool_], criterion: Criterion) -> Array:
        reduction = criterion.reduction
        if reduction.first:
            rows, columns = self._size
            first = score.values[..., ::rows, ::columns]
            return reduction.finish(reduction.of(first, score.absolute), np.ones(1))
        values = np.where(mask, reduction.of(score.values, score.absolute), 0.0)
        return reduction.finish(
            self._reduce(np.add, values), self._reduce(np.add, np.ones(mask.shape))
        )

    def _reduce(self, ufunc: np.ufunc, values: Array) -> Array:
        for axis, size in zip((-2, -1), self._size):
            starts = np.arange(0, values.shape[axis], size)
            values = ufunc.reduceat(values, starts, axis=axis) if starts.size else values
        return values

    def _spread(self, groups: Array, mask: Array) -> NDArray[np.bool_]:
        for axis, size in zip((-2, -1), self._size):
            groups = np.repeat(groups, size, axis=axis)
        whole: NDArray[np.bool_] = groups[..., : mask.shape[-2], : mask.shape[-1]] & mask
        return whole
