"""Convolutions: plain, grouped, depthwise, separable and transposed."""

import math
from typing import Any

import numpy as np
from keras import layers
from numpy.typing import NDArray

from keras_lottery.compaction.call import Call, register_compaction_rule
from keras_lottery.compaction.graph import Value
from keras_lottery.compaction.rules.constants import activate, set_output

__all__ = ["channel_axis"]

Array = NDArray[Any]


def channel_axis(layer: Any, value: Value) -> int:
    """Returns the axis of the channels."""
    first = getattr(layer, "data_format", "channels_last") == "channels_first"
    return 1 if first else len(value.shape) - 1


def conv(call: Call) -> None:
    layer, x = call.layer, call.input
    if layer.groups > 1:
        grouped(call)
        return
    axis = _spatial(call)
    units = call.units("units", layer.filters)
    call.resize(lambda size: {"filters": size(units, layer.filters)})
    call.plan.bias = {"use_bias": True}
    total = call.kernel(
        "kernel",
        (*[None] * layer.rank, x.axes[axis], units),
        reads={layer.rank: _padded(layer, x.along(axis))},
        makes=(layer.rank + 1,),
        bias="bias",
        uses=_positions(call.output, axis),
    )
    _finish(call, axis, units, total)


def grouped(call: Call) -> None:
    """Grouped convolutions lose whole groups: inputs and outputs of a group are coupled."""
    layer, x = call.layer, call.input
    axis = _spatial(call)
    units = call.units("units", layer.filters)
    groups = units.reshape(layer.groups, -1)
    call.graph.units.couple(groups[:, :1], groups)
    source = x.axes[axis]
    if source is None:
        call.graph.pin((units,), f"{call.path} reads inputs of fixed size in groups", read=False)
    else:
        source = source.reshape(layer.groups, -1)
        call.graph.units.couple(groups[:, :1], source)
    call.resize(
        lambda size: {
            "filters": size(units, layer.filters),
            "groups": size(groups[:, 0], layer.groups),
        }
    )
    weight = call.weight("kernel", (*[None] * (layer.rank + 1), units), makes=(layer.rank + 1,))
    if weight is None:
        return
    along = _padded(layer, x.along(axis)).reshape(layer.groups, -1).T  # (inputs of a group, groups)
    constant = np.repeat(along, layer.filters // layer.groups, axis=1)
    uses, makes = _positions(call.output, axis), (layer.rank + 1,)
    total = call.products("kernel", weight, constant, {}, makes, bias="bias", uses=uses)
    _finish(call, axis, units, total)


def depthwise(call: Call) -> None:
    layer, x = call.layer, call.input
    axis = _spatial(call)
    source, multiplier = x.axes[axis], layer.depth_multiplier
    units = None if source is None else np.repeat(source, multiplier)
    total = _depthwise(call, "kernel", source, _padded(layer, x.along(axis)), axis)
    _finish(call, axis, units, total.reshape(-1))


def separable(call: Call) -> None:
    layer, x = call.layer, call.input
    axis = _spatial(call)
    source, multiplier = x.axes[axis], layer.depth_multiplier
    along = _padded(layer, x.along(axis))
    between = _depthwise(call, "depthwise_kernel", source, along, axis).reshape(-1)
    units = call.units("units", layer.filters)
    call.resize(lambda size: {"filters": size(units, layer.filters)})
    call.plan.bias = {"use_bias": True}
    total = call.kernel(
        "pointwise_kernel",
        (*[None] * layer.rank, None if source is None else np.repeat(source, multiplier), units),
        reads={layer.rank: between},
        makes=(layer.rank + 1,),
        bias="bias",
        uses=_positions(call.output, axis),
    )
    _finish(call, axis, units, total)


def transposed(call: Call) -> None:
    layer, x = call.layer, call.input
    axis = _spatial(call)
    units = call.units("units", layer.filters)
    call.resize(lambda size: {"filters": size(units, layer.filters)})
    total = call.kernel(
        "kernel",
        (*[None] * layer.rank, units, x.axes[axis]),
        reads={layer.rank + 1: x.along(axis)},
        makes=(layer.rank,),
        uses=_positions(x, axis),
    )
    _finish(call, axis, units, total)


def _depthwise(call: Call, attribute: str, source: Any, along: Array, axis: int) -> Array:
    """Declares a depthwise kernel; returns its constants, shape `(channels, multiplier)`."""
    rank = call.layer.rank
    weight = call.weight(attribute, (*[None] * rank, source, None), makes=(rank,))
    if weight is None:
        return np.full((len(along), 1), np.nan)
    makes = (rank, rank + 1)
    uses = _positions(call.output, axis)
    # Its inputs are the units of its outputs; nothing else needs them.
    return call.products(attribute, weight, along[:, None], {}, makes, bias="bias", uses=uses)


def _padded(layer: Any, along: Array) -> Array:
    """Nonzero constants vary near the border under zero padding."""
    if layer.padding == "valid" or all(size == 1 for size in layer.kernel_size):
        return along
    return np.where(along == 0, 0.0, np.nan)


def _spatial(call: Call) -> int:
    """Pins the units of spatial axes, if any; returns the axis of the channels."""
    axis = channel_axis(call.layer, call.input)
    others = tuple(ids for i, ids in enumerate(call.input.axes) if i != axis)
    call.graph.pin(others, f"{call.path} convolves along this axis")
    return axis


def _positions(value: Value, axis: int) -> int:
    return math.prod(size for i, size in enumerate(value.shape) if i not in (0, axis))


def _finish(call: Call, axis: int, units: Any, total: Array) -> None:
    bias = call.weight("bias", (units,), makes=(0,))
    set_output(call.output, {axis: units}, total if bias is None else total + bias)
    activate(call, call.output, call.layer.activation)


for _class in (layers.Conv1D, layers.Conv2D, layers.Conv3D):
    register_compaction_rule(_class, conv)
for _class in (layers.DepthwiseConv1D, layers.DepthwiseConv2D):
    register_compaction_rule(_class, depthwise)
for _class in (layers.SeparableConv1D, layers.SeparableConv2D):
    register_compaction_rule(_class, separable)
for _class in (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose):
    register_compaction_rule(_class, transposed)
