"""Rebuilding layers with fewer units."""

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_lottery.compaction.composites import config_of, without_arrays
from keras_lottery.compaction.dead import Kept, contributions
from keras_lottery.compaction.graph import Graph, Kernel, LayerWeight, Plan
from keras_lottery.errors import LotteryError, reason_of
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking.paths import variables

__all__ = ["resize"]


def resize(graph: Graph, kept: Kept) -> list[Plan]:
    """Shrinks every layer that loses units, in place.

    Args:
        graph: graph of the model to change.
        kept: the units that stay.

    Returns:
        The plans of the layers that changed.

    Raises:
        LotteryError: a layer can't be built with fewer units.
    """
    changed = []
    for plan in graph.plans.values():
        kernels = [kernel for kernel in graph.kernels if kernel.plan is plan]
        folds = [(kernel, contributions(kernel, kept)) for kernel in kernels]
        folds = [(kernel, total) for kernel, total in folds if total.any()]
        try:
            donor = _donor(plan, kept, folds)
        except LotteryError:
            raise
        except Exception as error:  # whatever its code and its initializers raise
            raise _cannot_shrink(plan, error) from error
        if donor is not None:
            internals.transplant(plan.layer, donor)
            changed.append(plan)
    return changed


def _cannot_shrink(plan: Plan, error: Exception) -> LotteryError:
    reason = reason_of(error).rstrip(".")
    return LotteryError(
        f"Expected a layer that can be built with fewer units. Received: {plan.path} of class "
        f"{type(plan.layer).__name__}, which cannot ({reason}). Its initializers or its code "
        "depend on its size: let them take any size, or keep its units with a compaction rule."
    )


def _donor(plan: Plan, kept: Kept, folds: list[tuple[Kernel, NDArray[Any]]]) -> keras.Layer | None:
    layer = plan.layer
    if not isinstance(layer, keras.Layer):
        return None
    config = config_of(layer)
    changes = plan.resize(kept.size) if plan.resize is not None else {}
    changes = {k: v for k, v in changes.items() if _listed(config.get(k)) != _listed(v)}
    if any(kernel.bias not in plan.slots for kernel, _ in folds):
        changes |= plan.bias
    cut = any(_is_cut(slot, kept) for slot in plan.slots.values())
    if not (changes or cut or folds):
        return None
    donor = type(layer).from_config(without_arrays({**config, **changes}))
    shapes = {
        name: _built_shape(plan, name, tuple(shape), kept)
        for name, shape in internals.built_shapes(layer).items()
        if shape is not None
    }
    if shapes:  # Keras doesn't build layers without weights
        donor.build(**shapes)
    donor.built = True
    _copy_weights(plan, donor, kept)
    for kernel, total in folds:
        _fold(kernel, total, donor, kept)
    return donor


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _is_cut(slot: LayerWeight, kept: Kept) -> bool:
    return any(not kept.of(ids, size).all() for ids, size in zip(slot.axes, slot.variable.shape))


def _built_shape(plan: Plan, name: str, shape: tuple[Any, ...], kept: Kept) -> Any:
    """Returns the new shape for the argument `name` of `build`."""
    value = plan.inputs.get(name.removesuffix("_shape")) or next(iter(plan.inputs.values()), None)
    if value is None or len(value.shape) != len(shape):
        return shape
    axes = zip(shape, value.axes, value.shape)
    return tuple(s if s is None or ids is None else kept.size(ids, n) for s, ids, n in axes)


def _copy_weights(plan: Plan, donor: keras.Layer, kept: Kept) -> None:
    slots = {id(slot.variable): slot for slot in plan.slots.values()}
    old = variables(plan.layer)
    for path, variable in variables(donor).items():
        if path not in old:
            variable.assign(keras.ops.zeros(variable.shape, variable.dtype))
            continue
        value = np.asarray(keras.ops.convert_to_numpy(old[path].value))
        slot = slots.get(id(old[path]))
        if slot is not None:
            for axis, ids in enumerate(slot.axes):
                value = value.compress(kept.of(ids, value.shape[axis]), axis=axis)
        variable.assign(value)


def _fold(kernel: Kernel, total: NDArray[Any], donor: keras.Layer, kept: Kept) -> None:
    """Adds the contribution of removed constant units to the bias."""
    axes = sorted(kernel.makes)
    for i, axis in enumerate(axes):
        total = total.compress(kept.of(kernel.slot.axes[axis], total.shape[i]), axis=i)
    total = total.transpose([axes.index(axis) for axis in kernel.bias_axes])
    bias: Any = donor
    for part in str(kernel.bias).split("."):
        bias = getattr(bias, part)
    value = np.array(keras.ops.convert_to_numpy(bias.value), dtype=np.float64)
    value[kernel.bias_index] += total.reshape(value[kernel.bias_index].shape)
    bias.assign(value)
