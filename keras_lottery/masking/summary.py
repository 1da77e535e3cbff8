"""How sparse a model is: per variable and in all."""

from dataclasses import dataclass, replace

import keras
import numpy as np

from keras_lottery.masking import arguments, state
from keras_lottery.masking.describe import describe
from keras_lottery.types import MaskSet, VariableInfo

__all__ = ["Row", "Summary", "summarize", "summary"]


@dataclass(frozen=True)
class Row:
    """One variable.

    Args:
        path: structural path.
        shape: shape of the variable.
        kept: weights that are kept; all of them where there is no mask.
        size: number of weights.
        prunable: True where it has a mask.
        reason: why it has none.
    """

    path: str
    shape: tuple[int, ...]
    kept: int
    size: int
    prunable: bool
    reason: str = ""

    @property
    def density(self) -> float:
        """Fraction of the weights that is kept."""
        return self.kept / self.size if self.size else 1.0


@dataclass(frozen=True)
class Summary:
    """A table of the weights of a model; printing it prints the table.

    Args:
        rows: one a variable.
        kept: weights kept of the prunable ones.
        prunable: weights that have a mask.
        total: weights that are listed.
    """

    rows: tuple[Row, ...]
    kept: int
    prunable: int
    total: int

    @property
    def sparsity(self) -> float:
        """Fraction removed of the prunable weights."""
        return 1 - self.kept / self.prunable if self.prunable else 0.0

    def __str__(self) -> str:
        lines = [("variable", "shape", "kept", "of", "density", "")]
        lines += [
            (r.path, str(r.shape), f"{r.kept:,}", f"{r.size:,}", f"{r.density:.2%}", _note(r))
            for r in self.rows
        ]
        widths = [max(len(line[i]) for line in lines) for i in range(5)]
        table = [
            f"{p:<{widths[0]}}  {s:<{widths[1]}}  {k:>{widths[2]}}  {n:>{widths[3]}}  "
            f"{d:>{widths[4]}}  {note}".rstrip()
            for p, s, k, n, d, note in lines
        ]
        outside = self.total - self.prunable
        return "\n".join(
            [
                *table,
                f"kept {self.kept:,} of {self.prunable:,} prunable weights "
                f"({1 - self.sparsity:.2%}; sparsity {self.sparsity:.2%}), "
                f"{self.kept + outside:,} of {self.total:,} in all",
            ]
        )

    __repr__ = __str__


def summary(model: keras.Layer) -> Summary:
    """Returns what is kept of each variable and of the model, and why the rest has no mask.

    Raises:
        LotteryError: it is no Keras model, or not built.

    Example:
        >>> print(summary(model))
    """
    infos, masks = masked_infos(arguments.built_model(model))
    return summarize(infos, masks)


def masked_infos(model: keras.Layer) -> tuple[list[VariableInfo], MaskSet]:
    """Returns what is said of the variables, those with masks marked prunable, and the masks."""
    masks = state.get_masks(model)
    return [_as_masked(info, masks) for info in describe(model)], masks


def summarize(infos: list[VariableInfo], masks: MaskSet) -> Summary:
    """Returns the table of variables under masks; a prunable one without a mask keeps all."""
    rows = tuple(
        Row(
            info.path,
            info.shape,
            int(np.count_nonzero(masks[info.path])) if info.path in masks else info.size,
            info.size,
            info.prunable,
            info.reason,
        )
        for info in infos
    )
    prunable = [row for row in rows if row.prunable]
    return Summary(
        rows,
        sum(row.kept for row in prunable),
        sum(row.size for row in prunable),
        sum(row.size for row in rows),
    )


def _as_masked(info: VariableInfo, masks: MaskSet) -> VariableInfo:
    if info.path in masks:
        return replace(info, prunable=True, reason="")
    return replace(info, prunable=False, reason=info.reason or "not masked")


def _note(row: Row) -> str:
    return "" if row.prunable else f"skipped: {row.reason}"
