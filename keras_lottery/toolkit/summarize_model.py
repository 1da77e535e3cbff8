"""How sparse a model is: per variable and in all."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from keras_lottery.masking import arguments, learned, state
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking.inventory import STATE, UNREACHED, Inventory, read_model
from keras_lottery.types import MaskSet, VariableInfo

__all__ = ["Row", "Summary", "summarize", "summary"]

EXAMPLES = 8
"""Random inputs on which `summary` looks whether the output still depends on the input."""
_OPEN_LENGTH = 32


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
        total: weights that are listed, but for states that nothing trains (moving means).
        warnings: what is likely not meant: most of the model cannot be pruned, a variable is cut
            to almost nothing, or the output no longer depends on the input.
    """

    rows: tuple[Row, ...]
    kept: int
    prunable: int
    total: int
    warnings: tuple[str, ...] = ()

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
                *(f"warning: {text}" for text in self.warnings),
            ]
        )

    __repr__ = __str__


def summary(model: keras.Layer) -> Summary:
    """Returns what is kept of each variable and of the model, and why the rest has no mask.

    It warns where most of the model cannot be pruned, where a variable is cut to fewer weights
    than a tenth of the square root of its size, and where a pruned functional or sequential model
    of float inputs gives one output for 8 random inputs, for which the model is run.

    Raises:
        LotteryError: it is no Keras model, or not built.

    Example:
        >>> print(summary(model))
    """
    arguments.built_model(model)
    internals.sync_trainer(model)
    inventory = read_model(model)
    masks = state.masks_of(inventory.variables)
    table = summarize([_as_masked(entry.info, masks) for entry in inventory.entries], masks)
    if table.kept < table.prunable and ignores_input(model):
        text = (
            f"the output is the same for {EXAMPLES} random inputs: it may no longer depend on the "
            "input; prune less, or train before pruning"
        )
        table = replace(table, warnings=(*table.warnings, text))
    return table


def masked_infos(inventory: Inventory, masks: MaskSet) -> list[VariableInfo]:
    """Returns what is known of the weights, with those that have masks marked prunable."""
    return [_as_masked(info, masks) for info in inventory.infos]


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
    weights = [info for info in infos if info.kind != STATE]
    return Summary(
        rows,
        sum(row.kept for row in prunable),
        sum(row.size for row in prunable),
        sum(info.size for info in weights),
        (*_unreached(weights), *_almost_empty(prunable)),
    )


def _unreached(infos: list[VariableInfo]) -> Iterator[str]:
    """Yields a warning where most weights cannot be pruned, whatever the options."""
    out = [info for info in infos if not info.prunable and info.reason.startswith(UNREACHED)]
    size, total = sum(info.size for info in out), sum(info.size for info in infos)
    if 2 * size > total:
        largest = max(out, key=lambda info: info.size)
        yield (
            f"{size / total:.0%} of the weights cannot be pruned, such as {largest.path}: "
            f"{largest.reason}"
        )


def _almost_empty(rows: list[Row]) -> Iterator[str]:
    """Yields a warning for variables that keep fewer weights than √size / 10."""
    empty = [r for r in rows if r.kept < r.size and r.kept < max(math.sqrt(r.size) / 10, 1)]
    if empty:
        named = ", ".join(f"{row.path} ({row.kept:,} of {row.size:,})" for row in empty[:4])
        more = f" and {len(empty) - 4} more" if len(empty) > 4 else ""
        yield (
            f"almost nothing is left of {named}{more}: prune less, train before pruning, or prune "
            "every layer alike by scope='layer'"
        )


def _as_masked(info: VariableInfo, masks: MaskSet) -> VariableInfo:
    if info.path in masks:
        return replace(info, prunable=True, reason="")
    return replace(info, prunable=False, reason=info.reason or "not masked")


def _note(row: Row) -> str:
    return "" if row.prunable else f"skipped: {row.reason}"


def ignores_input(model: keras.Layer) -> bool:
    """Returns True where a model gives one output for `EXAMPLES` different random inputs.

    The inputs are normal, at scales from 0.1 to 10. It is False where that cannot be tried: for a
    model whose inputs are not known (a subclassed one) or not floats, or whose masks draw.
    """
    inputs = _inputs(model)
    if inputs is None or learned.draws(model):
        return False
    rng = np.random.default_rng(0)
    batch = keras.tree.map_structure(lambda tensor: _draw(tensor, rng), inputs)
    try:
        outputs = keras.tree.flatten(model(batch, training=False))
        values = [np.asarray(keras.ops.convert_to_numpy(o), np.float64) for o in outputs]
    except Exception:  # whatever the user's layers raise for numbers that they don't expect
        return False
    return all(v.shape[:1] == (EXAMPLES,) and bool(np.all(v == v[:1])) for v in values)


def _inputs(model: keras.Layer) -> Any:
    """Returns the symbolic inputs of a functional or sequential model of floats, or None."""
    try:
        tensors = list(model.inputs)
    except AttributeError:  # a layer, a subclassed model, or one that was built otherwise
        return None
    if not tensors or not all("float" in str(tensor.dtype) for tensor in tensors):
        return None
    return tensors[0] if len(tensors) == 1 else model.input


def _draw(tensor: Any, rng: np.random.Generator) -> Any:
    shape = (EXAMPLES, *(_OPEN_LENGTH if n is None else int(n) for n in tensor.shape[1:]))
    scales = np.logspace(-1, 1, EXAMPLES).reshape(-1, *[1] * (len(shape) - 1))
    return keras.ops.convert_to_tensor(rng.normal(size=shape) * scales, tensor.dtype)
