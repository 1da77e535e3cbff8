"""N:M sparsity: of every M consecutive weights along the input axis, N survive."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError
from keras_lottery.pruning.patterns import Layout, patterns, without_groups
from keras_lottery.pruning.topk import Score, refuse_nan
from keras_lottery.types import MaskSet, VariableInfo

Array = NDArray[Any]


@patterns.register("n:m")
class NofM(Layout):
    """N:M sparsity, such as `2:4`: of M consecutive weights, at least N survive.

    At the highest sparsity, 1 - N / M, exactly N survive. Below it, the lowest scores are pruned
    first, as long as every M keep N. Kernels whose number of inputs is not a multiple of M are not
    pruned.

    Reference: Mishra et al. 2021, "Accelerating sparse deep neural networks", arXiv 2104.08378.
    """

    floor = "N of every M weights, and each layer keeps some"

    def __init__(self, infos: Sequence[VariableInfo], argument: str = "") -> None:
        self.check(argument)
        self.n, self.m = map(int, argument.split(":"))
        self.sparsity = (self.m - self.n) / self.m  # 1 - n / m rounds twice
        self.infos = [self._marked(info) for info in infos]
        self._axes = {
            i.path: i.input_axis for i in self.infos if i.prunable and i.input_axis is not None
        }

    @classmethod
    def check(cls, argument: str) -> None:
        n, _, m = argument.partition(":")
        if not re.fullmatch(r"\d+:\d+", argument) or not 0 < int(n) < int(m):
            raise LotteryError(
                "Expected a pattern N:M with N from 1 up to M - 1, such as '2:4'. "
                f"Received: {argument!r}. Pass the number of survivors and the group size."
            )

    def _marked(self, info: VariableInfo) -> VariableInfo:
        if info.input_axis is None:
            return without_groups(info, f"{self.n}:{self.m}: it has no input axis")
        inputs = info.shape[info.input_axis]
        if inputs % self.m:
            return without_groups(
                info, f"{self.n}:{self.m}: its {inputs} inputs are not a multiple of {self.m}"
            )
        return info

    def fold(self, masks: MaskSet) -> MaskSet:
        return {path: mask for path, mask in masks.items() if path in self._axes}

    def candidates(self, scores: Mapping[str, Score], groups: MaskSet) -> MaskSet:
        """Returns the survivors except the N highest scores of every M.

        Raises:
            LotteryError: fewer than N of some M survive already.
        """
        for path in scores:
            least = int(
                np.count_nonzero(self._rows(path, groups[path]), axis=1).min(initial=self.m)
            )
            if least < self.n:
                raise LotteryError(
                    f"Expected at least {self.n} of every {self.m} weights of {path} to be left. "
                    f"Received: a group with {least}. Prune to {self.n}:{self.m} first, or reset "
                    "the masks with kl.set_masks(model, {})."
                )
        return {
            path: groups[path] & ~self._best(path, scores[path], groups[path]) for path in scores
        }

    def least(self, info: VariableInfo) -> int:
        return info.size // self.m * self.n

    def permute_layer(self, groups: MaskSet, rng: np.random.Generator) -> MaskSet:
        return {
            path: self._from_rows(path, _shuffled(self._rows(path, mask), rng), mask.shape)
            for path, mask in sorted(groups.items())
        }

    def permute_global(self, groups: MaskSet, rng: np.random.Generator) -> MaskSet:
        rows = {path: self._rows(path, mask) for path, mask in sorted(groups.items())}
        shuffled = _shuffled(np.concatenate([np.zeros((0, self.m), np.bool_), *rows.values()]), rng)
        ends = np.cumsum([len(part) for part in rows.values()])[:-1]
        return {
            path: self._from_rows(path, part, groups[path].shape)
            for path, part in zip(rows, np.split(shuffled, ends))
        }

    def _best(self, path: str, score: Score, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        refuse_nan(path, score.values[mask])
        values = np.abs(score.values) if score.absolute else score.values
        rows = self._rows(path, np.where(mask, values, -np.inf))
        order = np.argsort(rows, axis=1, kind="stable")[:, -self.n :]  # ties prune the first
        best = np.zeros(rows.shape, np.bool_)
        np.put_along_axis(best, order, True, axis=1)
        return self._from_rows(path, best, mask.shape)

    def _rows(self, path: str, values: Array) -> Array:
        """Returns values with one group of M per row, shape `(rows, M)`."""
        return np.moveaxis(values, self._axes[path], -1).reshape(-1, self.m)

    def _from_rows(self, path: str, rows: Array, shape: tuple[int, ...]) -> Array:
        axis = self._axes[path]
        moved = [n for i, n in enumerate(shape) if i != axis % len(shape)]
        return np.moveaxis(rows.reshape(*moved, shape[axis]), -1, axis)


def _shuffled(rows: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.bool_]:
    shuffled: NDArray[np.bool_] = rng.permuted(rng.permutation(rows), axis=1)
    return shuffled
