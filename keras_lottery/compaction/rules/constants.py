"""Constants that pass through activations and other element-wise functions."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_lottery.compaction.call import Call
from keras_lottery.compaction.graph import Value

__all__ = ["activate", "apply", "is_elementwise", "keeps_apart", "place", "set_output"]

Array = NDArray[Any]
Function = Callable[[Any], Any]


def is_elementwise(
    function: Function, shape: tuple[int, ...] = (4, 6), axes: Sequence[int] = (1,)
) -> bool:
    """Returns True if each output only depends on the input at the same index.

    The test changes half of a random input and compares the outputs of the other half. Along some
    axes it also removes indices, since a function can depend on the index itself: `tril`, or a
    bound for each channel.
    """
    rng = np.random.default_rng(0)
    first = rng.normal(size=shape).astype("float32")
    changed = rng.random(shape) < 0.5
    second = np.where(changed, rng.normal(size=shape), first).astype("float32")
    try:
        results = [_numpy(function(keras.ops.convert_to_tensor(x))) for x in (first, second)]
    except Exception:
        return False
    if any(result.shape != shape for result in results):
        return False
    if not np.array_equal(results[0][~changed], results[1][~changed], equal_nan=True):
        return False
    return all(keeps_apart(function, shape, axis) for axis in axes)


def keeps_apart(function: Function, shape: tuple[int, ...], axis: int) -> bool:
    """Returns True if a function treats each index of an axis alone.

    The test changes some indices of a random input, and removes them. The output must stay the
    same at the others.
    """
    rng = np.random.default_rng(0)
    x, other = rng.normal(size=(2, *shape)).astype("float32")
    sizes = [-1 if i == axis else 1 for i in range(len(shape))]

    def run(array: Array) -> Array:
        return _numpy(function(keras.ops.convert_to_tensor(array)))

    try:
        whole = run(x)
        for changed in (np.arange(shape[axis]) == 0, rng.random(shape[axis]) < 0.5):
            expected = whole.compress(~changed, axis)
            mixed = run(np.where(changed.reshape(sizes), other, x)).compress(~changed, axis)
            parts = [mixed, run(x.compress(~changed, axis))] if expected.size else [mixed]
            if not all(_close(part, expected) for part in parts):
                return False
    except Exception:
        return False
    return whole.ndim == len(shape) and whole.shape[axis] == shape[axis]


def _close(a: Array, b: Array) -> bool:
    return a.shape == b.shape and np.allclose(a, b, 1e-4, 1e-5, equal_nan=True)


def apply(function: Function, constant: Array | None) -> Array | None:
    """Returns an element-wise function of constants; NaN stays NaN."""
    if constant is None or np.isnan(constant).all():
        return None
    varies = np.isnan(constant)
    known = np.where(varies, 0.0, constant).astype("float32")
    values = _numpy(function(keras.ops.convert_to_tensor(known))).astype("float64")
    return np.where(varies, np.nan, values) if values.shape == varies.shape else None


def place(constant: Array, ndim: int, axes: tuple[int, ...]) -> Array:
    """Returns constants along some axes in an array of `ndim` axes that broadcasts."""
    axes = tuple(axis % ndim for axis in axes)
    order = np.argsort(axes)
    shape = [1] * ndim
    for axis, size in zip(axes, constant.shape):
        shape[axis] = size
    return constant.transpose(order).reshape(shape)


def activate(call: Call, value: Value, function: Function | None) -> None:
    """Applies a layer's activation to its output; pins the units if it mixes them."""
    if function is None or function is keras.activations.linear:
        return
    if is_elementwise(function):
        value.constant = apply(function, value.constant)
        return
    name = getattr(function, "__name__", type(function).__name__)
    value.constant = None
    call.pin(f"{call.path} mixes its units in the activation {name}", value)


def set_output(value: Value, axes: dict[int, Any], constant: Array | None) -> None:
    """Sets the units along some axes of an output, and its constants along the same axes."""
    ndim = len(value.shape)
    units = list(value.axes)
    for axis, ids in axes.items():
        units[axis % ndim] = ids
    value.axes = tuple(units)
    if constant is not None and not np.isnan(constant).all():
        value.constant = place(constant, ndim, tuple(axes))


def _numpy(tensor: Any) -> Array:
    return np.asarray(keras.ops.convert_to_numpy(tensor))
