"""Element-wise layers and operations with one or several inputs."""

from collections.abc import Callable
from functools import reduce
from numbers import Real
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from keras_lottery.compaction.call import Call, register_compaction_rule
from keras_lottery.compaction.graph import Value
from keras_lottery.compaction.rules.constants import (
    apply,
    is_elementwise,
    keeps_apart,
    set_output,
)

__all__ = ["independent", "unary"]

Array = NDArray[Any]
Combine = Callable[[Array, Array], Array]


def identity(call: Call) -> None:
    call.output.axes = call.input.axes
    call.output.constant = call.input.constant


def unary(call: Call) -> bool:
    """Passes units on if the operation is element-wise; returns True if it is."""
    x, out = call.input, call.output
    if len(call.inputs) != 1 or len(call.outputs) != 1 or x.shape != out.shape:
        return False
    labeled = [axis for axis, ids in enumerate(x.axes) if ids is not None]
    if not is_elementwise(call.operation.call, (2, *x.shape[1:]), labeled):
        return False
    out.axes, out.constant = x.axes, apply(call.operation.call, x.constant)
    return True


def independent(call: Call) -> bool:
    """Passes units on if the operation treats each of them alone; returns True if it does."""
    if len(call.inputs) != 1 or len(call.outputs) != 1:
        return False
    x, function = call.input, call.operation.call
    labeled = [axis for axis, ids in enumerate(x.axes) if ids is not None]
    if not labeled or not all(keeps_apart(function, x.shape, axis) for axis in labeled):
        return False
    set_output(call.output, {axis: x.axes[axis] for axis in labeled}, None)
    if len(labeled) == 1:
        _constants_apart(call, labeled[0])
    return True


def _constants_apart(call: Call, axis: int) -> None:
    """Sets the output's constants, for an input with units along one axis."""
    x, along = call.input, call.input.along(axis)
    if np.isnan(along).all():
        return
    sizes = [-1 if i == axis else 1 for i in range(len(x.shape))]
    known = np.broadcast_to(np.nan_to_num(along).reshape(sizes), x.shape).astype("float32")
    tensor = call.operation.call(keras.ops.convert_to_tensor(known))
    values = np.asarray(keras.ops.convert_to_numpy(tensor), "float64")
    constant = Value(values.shape, (None,) * values.ndim, values).along(axis)
    set_output(call.output, {axis: x.axes[axis]}, np.where(np.isnan(along), np.nan, constant))


def activation(call: Call) -> None:
    if not unary(call):
        call.pin(f"{call.path} mixes its units")
        call.output.axes = call.input.axes


def rescaling(call: Call) -> None:
    """A scale or offset for each channel has the size of the input, which is then pinned."""
    many = np.ndim(call.layer.scale) or np.ndim(call.layer.offset)
    (fixed if many else activation)(call)


def fixed(call: Call) -> None:
    """The layer has statistics of the size of its input, which is pinned."""
    call.graph.pin(call.input.axes, f"{call.path} stores statistics of this size", read=False)
    call.output.axes = call.input.axes


def prelu(call: Call) -> None:
    layer, x = call.layer, call.input
    sizes = zip(x.axes[1:], layer.alpha.shape)
    call.weight("alpha", tuple(None if size == 1 else ids for ids, size in sizes))
    call.output.axes = x.axes
    constant = apply(layer.call, x.constant)
    call.output.constant = constant


def merge(combine: Combine) -> Callable[[Call], None]:
    """Returns the rule of an element-wise function of several tensors: their units are coupled."""

    def rule(call: Call) -> None:
        leaves = keras.tree.flatten(list(call.arguments.values()))
        operands = [value for value in map(_operand, leaves) if value is not None]
        ranks = {len(v.shape) for v in operands if v.shape}
        if isinstance(call.operation, keras.layers.Layer) and len(ranks) > 1:
            call.pin(f"{call.path} merges tensors of different ranks")
            return
        out = call.output
        out.axes = tuple(_merge_axis(call, operands, axis) for axis in range(-len(out.shape), 0))
        constants = [_constant(value) for value in operands]
        with np.errstate(all="ignore"):
            constant = reduce(combine, constants)
        if not np.isnan(constant).all():
            out.constant = constant.reshape(
                [1] * (len(out.shape) - constant.ndim) + [*constant.shape]
            )

    return rule


def _merge_axis(call: Call, operands: list[Value], axis: int) -> Any:
    size = call.output.shape[axis]
    ids = []
    for value in operands:
        if len(value.shape) < -axis:
            continue
        if value.shape[axis] == size:
            ids.append(value.axes[axis])
        else:
            call.graph.pin((value.axes[axis],), f"{call.path} repeats it")
    return call.couple(*ids)


def _operand(leaf: Any) -> Value | None:
    if isinstance(leaf, Real) and not isinstance(leaf, bool):
        return Value((), (), np.asarray(float(leaf)))
    return leaf if isinstance(leaf, Value) else None


def _constant(value: Value) -> Array:
    if value.constant is not None:
        return value.constant
    return np.full([1 if ids is None else len(ids) for ids in value.axes], np.nan)


def _times(a: Array, b: Array) -> Array:
    return np.where((a == 0) | (b == 0), 0.0, a * b)


def _divided(a: Array, b: Array) -> Array:
    return np.where((a == 0) & np.isnan(b), np.nan, a / b)


def choose(call: Call) -> None:
    """The rule of `where`: constant where both sides are the same constant."""
    merge(_unknown)(call)
    first, second = (_operand(call.arguments.get(name)) for name in ("x1", "x2"))
    if first is None or second is None:
        return
    a, b = _constant(first), _constant(second)
    constant = np.where(a == b, a, np.nan)
    if not np.isnan(constant).all():
        call.output.constant = constant.reshape(
            [1] * (len(call.output.shape) - constant.ndim) + [*constant.shape]
        )


def _where_known(combine: Combine) -> Combine:
    """Returns a function of constants that is NaN where one of them is."""
    return lambda a, b: np.where(np.isnan(a) | np.isnan(b), np.nan, combine(a, b))


def _unknown(a: Array, b: Array) -> Array:
    return np.full(np.broadcast_shapes(a.shape, b.shape), np.nan)


def average(call: Call) -> None:
    merge(np.add)(call)
    if call.output.constant is not None:
        call.output.constant = call.output.constant / len(call.inputs)


for _class in (
    layers.Dropout,
    layers.GaussianDropout,
    layers.GaussianNoise,
    layers.AlphaDropout,
    layers.SpatialDropout1D,
    layers.SpatialDropout2D,
    layers.SpatialDropout3D,
    layers.ActivityRegularization,
    layers.Identity,
):
    register_compaction_rule(_class, identity)
for _class in (layers.Activation, layers.ReLU, layers.LeakyReLU, layers.ELU):
    register_compaction_rule(_class, activation)
register_compaction_rule(layers.Rescaling, rescaling)
register_compaction_rule(layers.PReLU, prelu)
register_compaction_rule(layers.Normalization, fixed)
register_compaction_rule(layers.Average, average)
# By name: layers.Add and ops.Add share a rule. A residual addition couples its inputs.
_COMBINES: dict[str, Combine] = {
    "Add": np.add,
    "Subtract": np.subtract,
    "Multiply": _times,
    "Divide": _divided,
    "TrueDivide": _divided,
    "Maximum": np.maximum,
    "Minimum": np.minimum,
}
_FUNCTIONS: dict[str, Combine] = {
    "Equal": np.equal,
    "NotEqual": np.not_equal,
    "Greater": np.greater,
    "GreaterEqual": np.greater_equal,
    "Less": np.less,
    "LessEqual": np.less_equal,
    "LogicalAnd": np.logical_and,
    "LogicalOr": np.logical_or,
    "LogicalXor": np.logical_xor,
    "Power": np.power,
    "Mod": np.mod,
    "FloorDivide": np.floor_divide,
}
_COMBINES |= {name: _where_known(function) for name, function in _FUNCTIONS.items()}
register_compaction_rule("Where", choose)
for _name, _combine in _COMBINES.items():
    register_compaction_rule(_name, merge(_combine))
