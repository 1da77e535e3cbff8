"""Operations in the code of layers and functional models."""

from numbers import Real
from typing import Any

import numpy as np

from keras_lottery.compaction.call import Call, register_compaction_rule
from keras_lottery.compaction.graph import Value
from keras_lottery.compaction.rules.shape import concatenate_values, permuted, reshaped
from keras_lottery.compaction.units import Ids

__all__: list[str] = []


def transpose(call: Call) -> None:
    rank = len(call.input.shape)
    axes = call.operation.axes or tuple(reversed(range(rank)))
    permuted(call, call.input, tuple(axis % rank for axis in axes))


def swapaxes(call: Call) -> None:
    order = np.arange(len(call.input.shape))
    first, second = call.operation.axis1, call.operation.axis2
    order[[first, second]] = order[[second, first]]
    permuted(call, call.input, tuple(order.tolist()))


def moveaxis(call: Call) -> None:
    marks = np.empty(tuple(range(1, len(call.input.shape) + 1)))
    moved = np.moveaxis(marks, call.operation.source, call.operation.destination)
    permuted(call, call.input, tuple(size - 1 for size in moved.shape))


def reshape(call: Call) -> None:
    """Sizes in code are constants: only an axis of size -1 can shrink."""
    reshaped(call, call.input)
    target = tuple(call.operation.newshape)
    for size, ids in zip(target, call.output.axes):
        if ids is not None and size != -1:
            call.graph.pin((ids,), f"{call.path} hard-codes this size")


def expand_dims(call: Call) -> None:
    _through(call, lambda array: np.expand_dims(array, tuple(np.atleast_1d(call.operation.axis))))


def squeeze(call: Call) -> None:
    shape = call.input.shape
    axis = call.operation.axis
    removed = (
        [i for i, size in enumerate(shape) if size == 1] if axis is None else np.atleast_1d(axis)
    )
    axes = {int(i) % len(shape) for i in removed}
    call.graph.pin(tuple(call.input.axes[i] for i in axes), f"{call.path} drops it")
    call.output.axes = tuple(ids for i, ids in enumerate(call.input.axes) if i not in axes)
    if call.input.constant is not None:
        call.output.constant = call.input.constant.squeeze(tuple(axes))


def _through(call: Call, move: Any) -> None:
    """Applies a function of shapes to the axes, encoded as sizes 2, 3, …"""
    marks = np.empty(tuple(range(2, len(call.input.shape) + 2)))
    call.output.axes = tuple(
        None if size == 1 else call.input.axes[size - 2] for size in move(marks).shape
    )
    if call.input.constant is not None:
        call.output.constant = move(call.input.constant)


def reduction(call: Call) -> None:
    """Reductions over positions keep channels; reductions over channels pin them."""
    x, operation = call.input, call.operation
    rank = len(x.shape)
    axis = operation.axis
    over = set(range(rank)) if axis is None else {int(a) % rank for a in np.atleast_1d(axis)}
    call.graph.pin(tuple(x.axes[i] for i in over), f"{call.path} reduces over this axis")
    keepdims = bool(getattr(operation, "keepdims", False))
    rest = [(i, None if i in over else ids) for i, ids in enumerate(x.axes)]
    call.output.axes = tuple(ids for i, ids in rest if keepdims or i not in over)
    constant = x.constant
    if constant is None or any(constant.shape[i] != 1 for i in over):
        return
    kind = type(operation).__name__
    if kind in ("Var", "Std"):
        constant = np.where(np.isnan(constant), np.nan, 0.0)
    elif kind in ("Sum", "Norm"):
        constant = np.where(constant == 0, 0.0, np.nan)
    elif kind not in ("Mean", "Max", "Min"):
        return
    call.output.constant = constant if keepdims else constant.squeeze(tuple(over))


def einsum(call: Call) -> None:
    equation = call.operation.subscripts.replace(" ", "")
    source, _, target = equation.partition("->")
    operands = source.split(",")
    if "..." in equation or len(operands) != len(call.inputs):
        call.pin(f"{call.path} has an equation with `...`")
        return
    _product(call, operands, target)


def matmul(call: Call) -> None:
    if len(call.inputs) != 2 or min(len(x.shape) for x in call.inputs) < 2:
        call.pin()
        return
    first, second = call.inputs
    letters = "ABCDEFGH"[: len(call.output.shape) - 2]
    batch = [letters[len(letters) - len(x.shape) + 2 :] for x in (first, second)]
    _product(call, [batch[0] + "ik", batch[1] + "kj"], letters + "ij")


def _product(call: Call, operands: list[str], target: str) -> None:
    units: dict[str, Any] = {}
    for letter in sorted(set("".join(operands))):
        operands_with = [
            (x, x.axes[letters.index(letter)], x.shape[letters.index(letter)])
            for letters, x in zip(operands, call.inputs)
            if letter in letters
        ]
        size = max(size for _, _, size in operands_with)
        for _, ids, length in operands_with:
            if length != size:
                call.graph.pin((ids,), f"{call.path} repeats it")
        axes = [ids for _, ids, length in operands_with if length == size]
        if letter in target:
            units[letter] = call.couple(*axes)
        else:
            call.couple(*axes)
            call.graph.pin(tuple(axes), f"{call.path} sums over it")
    call.output.axes = tuple(units.get(letter) for letter in target)


def stack(call: Call) -> None:
    axis = call.operation.axis % len(call.output.shape)
    values = []
    for x in call.inputs:
        shape, axes = [*x.shape], [*x.axes]
        shape.insert(axis, 1)
        axes.insert(axis, None)
        constant = None if x.constant is None else np.expand_dims(x.constant, axis)
        values.append(Value(tuple(shape), tuple(axes), constant))
    concatenate_values(call, values, axis)


def unstack(call: Call) -> None:
    x, axis = call.input, call.operation.axis % len(call.input.shape)
    call.graph.pin((x.axes[axis],), f"{call.path} hard-codes this size")
    for i, out in enumerate(call.outputs):
        out.axes = (*x.axes[:axis], *x.axes[axis + 1 :])
        if x.constant is not None:
            out.constant = x.constant.take(min(i, x.constant.shape[axis] - 1), axis)


def repeat(call: Call) -> None:
    x, axis, repeats = call.input, call.operation.axis, call.operation.repeats
    if axis is None or not isinstance(repeats, int):
        call.pin()
        return
    axis %= len(x.shape)
    ids = x.axes[axis]
    repeated = None if ids is None else np.repeat(ids, repeats)
    call.output.axes = (*x.axes[:axis], repeated, *x.axes[axis + 1 :])
    if x.constant is not None:
        alike = x.constant.shape[axis] == 1
        call.output.constant = x.constant if alike else np.repeat(x.constant, repeats, axis)


def split(call: Call) -> None:
    """Couples the parts of an axis, which keep equal sizes."""
    x, axis = call.input, call.operation.axis % len(call.input.shape)
    ids, parts = x.axes[axis], len(call.outputs)
    even = isinstance(call.operation.indices_or_sections, int)
    if ids is not None and even:
        rows = ids.reshape(parts, -1)
        call.graph.units.couple(rows[:1], rows)
    elif ids is not None:
        call.graph.pin((ids,), f"{call.path} hard-codes this size")
    ends = np.cumsum([out.shape[axis] for out in call.outputs])[:-1]
    pieces = [None] * parts if ids is None else np.split(ids, ends)
    for i, (out, piece) in enumerate(zip(call.outputs, pieces)):
        out.axes = (*x.axes[:axis], piece, *x.axes[axis + 1 :])
        if x.constant is not None and ids is not None:
            out.constant = np.split(x.constant, ends, axis=axis)[i]


def get_item(call: Call) -> None:
    x, key = call.input, call.arguments["key"]
    keys = list(key) if isinstance(key, tuple | list) else [key]
    if not all(isinstance(k, int | slice) or k is None or k is ... for k in keys):
        call.pin(f"{call.path} has a computed index")
        return
    missing = len(x.shape) - sum(k is not None and k is not ... for k in keys)
    where = keys.index(...) if ... in keys else len(keys)
    keys[where : where + 1] = [slice(None)] * missing
    axes: list[Ids | None] = []
    constant, old = x.constant, iter(range(len(x.shape)))
    for k in keys:
        if k is None:
            axes.append(None)
            continue
        axis = next(old)
        whole = isinstance(k, slice) and k == slice(None)
        if not whole:
            call.graph.pin((x.axes[axis],), f"{call.path} hard-codes this size")
        if not whole and constant is not None and constant.shape[axis] != 1:
            constant = None
        if isinstance(k, slice):
            ids = x.axes[axis]
            axes.append(ids if whole or ids is None else ids[k])
    call.output.axes = tuple(axes)
    if constant is not None:
        index = tuple(k if k is None or isinstance(k, int) else slice(None) for k in keys)
        index = tuple(0 if isinstance(k, int) else k for k in index)
        call.output.constant = constant[index]


def pad(call: Call) -> None:
    widths = call.operation.pad_width
    x = call.input
    widths = widths * len(x.shape) if len(widths) == 1 else widths
    for (before, after), ids in zip(widths, x.axes):
        if before or after:
            call.graph.pin((ids,), f"{call.path} pads it")
    call.output.axes = tuple(
        ids if before == after == 0 else None for (before, after), ids in zip(widths, x.axes)
    )
    if x.constant is not None:
        fill = call.arguments.get("constant_values")
        fill = 0.0 if fill is None else fill if isinstance(fill, Real) else np.nan
        constant = np.where(x.constant == fill, x.constant, np.nan)
        if all(a == b == 0 or s == 1 for (a, b), s in zip(widths, constant.shape)):
            call.output.constant = constant


for _name, _rule in {
    "Transpose": transpose,
    "Swapaxes": swapaxes,
    "Moveaxis": moveaxis,
    "ExpandDims": expand_dims,
    "Squeeze": squeeze,
    "Mean": reduction,
    "Sum": reduction,
    "Max": reduction,
    "Min": reduction,
    **dict.fromkeys(("Var", "Std", "Prod", "Logsumexp", "Norm", "Any", "All"), reduction),
    **dict.fromkeys(("Argmax", "Argmin"), reduction),
    "Stack": stack,
    "Unstack": unstack,
    "Repeat": repeat,
    "Einsum": einsum,
    "Matmul": matmul,
    "Split": split,
    "GetItem": get_item,
    "Pad": pad,
    "Reshape": reshape,
}.items():
    register_compaction_rule(_name, _rule)
