"""Normalizations: per channel, or over channels, which are pinned."""

from typing import Any

import keras
import numpy as np
from keras import layers

from keras_lottery.compaction.call import Call, register_compaction_rule
from keras_lottery.compaction.rules.constants import set_output

__all__: list[str] = []


def batch_normalization(call: Call) -> None:
    layer, x = call.layer, call.input
    axis = layer.axis % len(x.shape)
    units = x.axes[axis]
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    gamma, beta, mean, variance = (
        call.weight(name, (units,), makes=(0,) if name in ("gamma", "beta") else ())
        for name in names
    )
    call.output.axes = x.axes
    if mean is None or variance is None:
        return
    mean, variance = mean.astype("float64"), variance.astype("float64")
    scale = (1.0 if gamma is None else gamma) / np.sqrt(variance + layer.epsilon)
    shift = (0.0 if beta is None else beta) - mean * scale
    sizes = [-1 if i == axis else 1 for i in range(len(x.shape))]
    scale, shift = (np.broadcast_to(a, mean.shape).reshape(sizes) for a in (scale, shift))
    varies = np.full([*sizes[:axis], len(mean), *sizes[axis + 1 :]], np.nan)
    inputs = varies if x.constant is None else x.constant
    constant = np.where(scale == 0, shift, inputs * scale + shift)
    call.output.constant = None if np.isnan(constant).all() else constant


def over_axes(call: Call) -> None:
    """Statistics over units depend on each of them."""
    axes = getattr(call.layer, "axis", -1)
    axes = keras.tree.flatten(axes)
    for axis in axes:
        call.graph.pin((call.input.axes[axis],), f"{call.path} normalizes over this axis")
    call.output.axes = call.input.axes


def group_normalization(call: Call) -> None:
    """Whole groups can be removed; a group that is 0 becomes its shift."""
    layer, x = call.layer, call.input
    axis = layer.axis % len(x.shape)
    others = tuple(ids for i, ids in enumerate(x.axes) if i != axis)
    call.graph.pin(others, f"{call.path} normalizes over this axis")
    units = x.axes[axis]
    # All calls of a shared layer keep the same groups, even without a scale and a shift.
    call.couple(call.units("channels", x.shape[axis]), units)
    call.output.axes = x.axes
    gamma = call.weight("gamma", (units,), makes=(0,))
    beta = call.weight("beta", (units,), makes=(0,))
    if units is None:
        return
    groups = units.reshape(layer.groups, -1)
    call.graph.units.couple(groups[:, :1], groups)
    call.resize(lambda size: {"groups": size(groups[:, 0], layer.groups)})
    zero = (x.along(axis).reshape(groups.shape) == 0).all(axis=1, keepdims=True)
    constant = zero.repeat(groups.shape[1], axis=1).ravel()
    if gamma is not None:
        constant = constant | (gamma == 0)
    shift = np.zeros(len(units)) if beta is None else beta
    set_output(call.output, {axis: units}, np.where(constant, shift, np.nan))


def spectral_normalization(call: Call) -> None:
    """The wrapped layer's kernel is divided by its largest singular value, over all units."""
    call.pin(f"{call.path} normalizes its kernel over all units")


def softmax(call: Call) -> None:
    axis = call.layer.axis
    axes: Any = range(len(call.input.shape)) if axis is None else keras.tree.flatten(axis)
    for axis in axes:
        call.graph.pin((call.input.axes[axis],), f"{call.path} normalizes over this axis")
    call.output.axes = call.input.axes


register_compaction_rule(layers.BatchNormalization, batch_normalization)
for _class in (layers.LayerNormalization, layers.RMSNormalization, layers.UnitNormalization):
    register_compaction_rule(_class, over_axes)
register_compaction_rule(layers.GroupNormalization, group_normalization)
register_compaction_rule(layers.SpectralNormalization, spectral_normalization)
register_compaction_rule(layers.Softmax, softmax)
register_compaction_rule("LogSoftmax", softmax)
register_compaction_rule("Softmax", softmax)
