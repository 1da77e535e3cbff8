"""A model's sparsity, per variable and in total."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from keras_lottery.masking import arguments, learned, state
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking.inventory import FROZEN, STATE, Inventory, read_model
from keras_lottery.toolkit.summary_table import Row, Summary
from keras_lottery.types import MaskSet, VariableInfo

__all__ = ["summarize", "summary"]

EXAMPLES = 8
"""Random inputs with which `summary` checks that the output depends on the input."""
_OPEN_LENGTH = 32


def summary(model: keras.Layer) -> Summary:
    """Returns the kept weights of each variable and of the model, and why the rest has no mask.

    It warns if most of the model cannot be pruned, if a variable keeps fewer weights than a tenth
    of the square root of its size, and if a pruned functional or sequential model with float
    inputs gives the same output for 8 random inputs, on which it is run.

    Args:
        model: a built model or layer, masked or not.

    Raises:
        LotteryError: the argument is not a Keras model, or not built.

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
    """Returns descriptions of all weights; masked weights are marked prunable."""
    return [_as_masked(info, masks) for info in inventory.infos]


def summarize(infos: list[VariableInfo], masks: MaskSet) -> Summary:
    """Returns the table of variables under masks; prunable ones without a mask are dense."""
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
    """Yields a warning if most weights can't be pruned, whatever is excluded."""
    out = [info for info in infos if not info.maskable or info.reason == FROZEN]
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
            "every layer equally with scope='layer'"
        )


def _as_masked(info: VariableInfo, masks: MaskSet) -> VariableInfo:
    if info.path in masks:
        return replace(info, prunable=True, reason="")
    return replace(info, prunable=False, reason=info.reason or "not masked")


def ignores_input(model: keras.Layer) -> bool:
    """Returns True if a model gives the same output for `EXAMPLES` different random inputs.

    The inputs are normal, at scales from 0.1 to 10. Returns False for models that cannot be
    tested: inputs unknown (subclassed models) or not floats, or stochastic masks.
    """
    inputs = _inputs(model)
    if inputs is None or learned.draws(model):
        return False
    rng = np.random.default_rng(0)
    batch = keras.tree.map_structure(lambda tensor: _draw(tensor, rng), inputs)
    try:
        with keras.StatelessScope():  # states and seeds stay as they are
            outputs = keras.tree.flatten(model(batch, training=False))
        values = [np.asarray(keras.ops.convert_to_numpy(o), np.float64) for o in outputs]
    except Exception:  # user layers may raise anything on unexpected inputs
        return False
    return all(v.shape[:1] == (EXAMPLES,) and bool(np.all(v == v[:1])) for v in values)


def _inputs(model: keras.Layer) -> Any:
    """Returns the symbolic inputs of a functional or sequential model, or None if not floats."""
    try:
        tensors = list(model.inputs)
    except AttributeError:  # a layer, or a model without symbolic inputs
        return None
    if not tensors or not all("float" in str(tensor.dtype) for tensor in tensors):
        return None
    return tensors[0] if len(tensors) == 1 else model.input


def _draw(tensor: Any, rng: np.random.Generator) -> Any:
    shape = (EXAMPLES, *(_OPEN_LENGTH if n is None else int(n) for n in tensor.shape[1:]))
    scales = np.logspace(-1, 1, EXAMPLES).reshape(-1, *[1] * (len(shape) - 1))
    return keras.ops.convert_to_tensor(rng.normal(size=shape) * scales, tensor.dtype)
