"""Layers that move values without changing them: Flatten, Reshape, Permute, Concatenate."""

from typing import Any

import numpy as np
from keras import layers
from numpy.typing import NDArray

from keras_lottery.compaction.call import Call, register_compaction_rule
from keras_lottery.compaction.graph import Axes, Size, Value
from keras_lottery.compaction.units import Ids

__all__ = ["concatenate_values", "permuted", "reshaped"]

Array = NDArray[Any]


def permuted(call: Call, value: Value, order: tuple[int, ...]) -> None:
    """Sets the output to `value` with permuted axes."""
    call.output.axes = tuple(value.axes[axis] for axis in order)
    if value.constant is not None:
        call.output.constant = value.constant.transpose(order)


def reshaped(call: Call, value: Value) -> None:
    """Sets the output to the reshaped `value`."""
    out = call.output
    if value.constant is not None and out.shape[0] == value.shape[0]:
        full = np.broadcast_to(value.constant, (1, *value.shape[1:]))
        out.constant = full.reshape(1, *out.shape[1:])
    labeled = [axis for axis, ids in enumerate(value.axes) if ids is not None]
    if not labeled:
        return
    if out.shape[0] != value.shape[0]:
        call.pin(f"{call.path} moves it into the batch axis", value)
        return
    for axis in labeled[1:]:
        call.graph.pin((value.axes[axis],), f"{call.path} merges it with another axis")
    out.axes = _reshaped_axes(call, value, labeled[0])


def _reshaped_axes(call: Call, value: Value, axis: int) -> Axes:
    shape = call.output.shape
    ids: Any = value.axes[axis]
    sizes = [-1 if i == axis else 1 for i in range(len(value.shape))]
    full = np.broadcast_to(ids.reshape(sizes), value.shape)[:1].reshape(1, *shape[1:])
    varying = [i for i in range(1, len(shape)) if (full != full.take([0], axis=i)).any()]
    if not varying:
        varying = [next((i for i in range(1, len(shape)) if shape[i] == len(ids)), 0)]
    first = varying[0]
    if first == 0:
        call.graph.pin((ids,), f"{call.path} drops its axis")
        return (None,) * len(shape)
    rows = np.moveaxis(full, first, 0).reshape(shape[first], -1)
    if len(varying) > 1:  # only whole slices of the first of these axes can be removed
        call.graph.units.couple(rows[:, :1], rows)
    return tuple(rows[:, 0] if i == first else None for i in range(len(shape)))


def flatten(call: Call) -> None:
    x = call.input
    if call.layer.data_format == "channels_first" and len(x.shape) > 2:
        order = (0, *range(2, len(x.shape)), 1)
        shape = tuple(x.shape[axis] for axis in order)
        constant = None if x.constant is None else x.constant.transpose(order)
        x = Value(shape, tuple(x.axes[axis] for axis in order), constant)
    reshaped(call, x)


def reshape(call: Call) -> None:
    """All calls of a shared layer keep the same sizes, except along an axis of size -1."""
    reshaped(call, call.input)
    old = tuple(call.layer.target_shape)
    axes = [
        None if size == -1 else call.couple(call.units(f"axis{i}", size), ids)
        for i, (size, ids) in enumerate(zip(old, call.output.axes[1:]))
    ]

    def target(size: Size) -> dict[str, Any]:
        return {"target_shape": tuple(size(ids, s) for s, ids in zip(old, axes))}

    call.resize(target)


def permute(call: Call) -> None:
    permuted(call, call.input, (0, *call.layer.dims))


def repeat_vector(call: Call) -> None:
    x = call.input
    call.output.axes = (x.axes[0], None, x.axes[1])
    if x.constant is not None:
        call.output.constant = x.constant[:, None]


def concatenate_values(call: Call, values: list[Value], axis: int) -> None:
    """Sets the output to the concatenated values."""
    out = call.output
    axis %= len(out.shape)
    axes: list[Ids | None] = []
    for i in range(len(out.shape)):
        parts = [value.axes[i] for value in values]
        axes.append(_joined(call, values, axis) if i == axis else call.couple(*parts))
    out.axes = tuple(axes)
    if any(value.constant is not None for value in values):
        parts_ = [_along(value, axis) for value in values]
        sizes = np.broadcast_shapes(*(np.delete(p.shape, axis).tolist() for p in parts_))
        full = [np.broadcast_to(p, [*sizes[:axis], p.shape[axis], *sizes[axis:]]) for p in parts_]
        out.constant = np.concatenate(full, axis=axis)


def _joined(call: Call, values: list[Value], axis: int) -> Ids | None:
    parts = [value.axes[axis] for value in values]
    if all(ids is None for ids in parts):
        return None
    joined = []
    for value, ids in zip(values, parts):
        if ids is not None:
            joined.append(ids)
            continue
        fixed = call.graph.units.new(value.shape[axis])
        call.graph.pin((fixed,), f"{call.path} concatenates it, which has a fixed size", read=False)
        joined.append(fixed)
    return np.concatenate(joined)


def _along(value: Value, axis: int) -> Array:
    shape = [1] * len(value.shape)
    shape[axis] = value.shape[axis]
    if value.constant is None:
        return np.full(shape, np.nan)
    full = [s if i != axis else value.shape[axis] for i, s in enumerate(value.constant.shape)]
    return np.broadcast_to(value.constant, full)


def concatenate(call: Call) -> None:
    concatenate_values(call, call.inputs, getattr(call.layer, "axis", -1))


register_compaction_rule(layers.Flatten, flatten)
register_compaction_rule(layers.Reshape, reshape)
register_compaction_rule(layers.Permute, permute)
register_compaction_rule(layers.RepeatVector, repeat_vector)
register_compaction_rule("Concatenate", concatenate)
