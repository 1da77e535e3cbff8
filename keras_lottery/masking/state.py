"""Reading and writing masks and weights by path, without retracing."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_lottery import backend, checks
from keras_lottery.errors import LotteryError
from keras_lottery.masking import arguments, gradient_mask, paths
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking.mask_holder import masked_variables
from keras_lottery.masking.masked_layer import adopt
from keras_lottery.masking.masked_variable import MaskedVariable, masked, reset_pruned
from keras_lottery.types import MaskSet, Weights

__all__ = [
    "effective_weights",
    "get_fills",
    "get_masks",
    "get_weights",
    "is_masked",
    "mask_views",
    "masks_of",
    "move_masks",
    "set_masks",
    "set_weights",
    "weights_of",
]


def is_masked(model: keras.Layer) -> bool:
    """Returns True if at least one variable has a mask."""
    return bool(masked_variables(model))


def get_masks(model: keras.Layer) -> MaskSet:
    """Returns the masks of all masked variables; empty for a model without masks.

    A learned mask follows its current scores: `bernoulli` keeps the weights whose probability is
    at least one half, `edge_popup` the weights with the k highest scores.

    Args:
        model: a model, masked or not.

    Returns:
        Boolean arrays by path; True = kept.
    """
    arguments.built_model(model)
    internals.sync_trainer(model)
    return masks_of(paths.variables(model))


def masks_of(variables: Mapping[str, keras.Variable]) -> MaskSet:
    """Returns the masks of the masked variables."""
    return {path: np.array(mask) for path, mask in mask_views(variables).items()}


def mask_views(variables: Mapping[str, keras.Variable]) -> MaskSet:
    """Returns the masks of the masked variables to read at once: see `backend.view`."""
    return {path: backend.view(record.kept()) for path, record in _masked(variables).items()}


def get_fills(model: keras.Layer) -> Weights:
    """Returns the fixed values of pruned weights under `frozen`; empty under `zero`."""
    internals.sync_trainer(model)
    return {
        path: _numpy(record.extras["fill"])
        for path, record in _masked_paths(model).items()
        if "fill" in record.extras
    }


def set_masks(
    model: keras.Layer,
    masks: Mapping[str, Any],
    fills: Weights | None = None,
    *,
    optimizers: Sequence[keras.optimizers.Optimizer] | None = None,
) -> None:
    """Assigns masks, and zeroes pruned weights and their optimizer slots.

    Slots of kept weights, the learning rate and the iterations don't change. Pruned weights are
    exactly zero after every step of a Keras optimizer, in `fit`, in a model around this one, and
    in a custom loop (see `masking.gradient_mask`). A compiled custom loop on JAX must read the
    weights in the function that applies the gradients, not in a nested `jax.jit`, or use
    `step_scope`.

    Learned masks leave the stored weights unchanged. `bernoulli` samples among the weights that
    its mask keeps; `edge_popup` only uses the number of weights that its mask keeps.

    Args:
        model: a masked model.
        masks: arrays by path, boolean or zeros and ones; True and 1 = kept. Masked variables not
            named keep every weight: `{}` is the dense network.
        fills: `frozen` only: values of the pruned weights by path; the others don't change.
        optimizers: the optimizers that train the weights; None: all that have trained them since
            they were masked. A new optimizer of a custom loop masks gradients from its second step
            on, or from the first if it is passed here, as Adafactor must be.

    Raises:
        LotteryError: a path is not masked, a shape differs, or a mask has other values.
    """
    arguments.built_model(model)
    checks.instance(masks, Mapping, "masks")  # type: ignore[type-abstract]
    _move(model, dict(masks), fills or {}, optimizers)


def move_masks(model: keras.Layer, masks: MaskSet) -> None:
    """Assigns masks as `set_masks` does, and removes them from `masks` as it goes.

    If nothing else refers to them, there is never a second copy of all of them in memory.
    """
    _move(model, masks, {}, None)


def _move(
    model: keras.Layer,
    masks: dict[str, Any],
    fills: Weights,
    optimizers: Sequence[keras.optimizers.Optimizer] | None,
) -> None:
    internals.sync_trainer(model)
    known = _masked_paths(model)
    if masks and not known:
        raise LotteryError(
            "Expected a masked model. Received: one without masks. Call kl.mask(model) first."
        )
    _check_names("a path of a masked variable", masks, known)
    fillable = {p for p, record in known.items() if "fill" in record.extras}
    _check_names('a path masked with parametrization="frozen"', fills, fillable)
    for path, record in known.items():
        for label, arrays in (("mask", masks), ("fill", fills)):
            if path in arrays:
                shape = tuple(record.variable.shape)
                _check_shape(f"a {label} of {path!r}", shape, np.asarray(arrays[path]))
    masks.update({path: checks.mask(mask, path) for path, mask in masks.items()})
    if known:
        adopt(model)
    for path, record in known.items():
        mask = masks.pop(path, None)
        # Copies: JAX may keep the caller's array, and the caller may change it.
        shape = tuple(record.variable.shape)
        record.mask.assign(np.ones(shape, bool) if mask is None else np.array(mask))
        if path in fills:
            record.extras["fill"].assign(np.array(fills[path]))
    if optimizers is not None:
        gradient_mask.guard(optimizers)
    else:
        weights = [record.variable for record in known.values()]
        optimizers = [*gradient_mask.optimizers(model), *gradient_mask.optimizers_of(weights)]
    zero_pruned(model, optimizers)


def copy_masks(model: keras.Layer, copy: keras.Layer) -> None:
    """Copies masks, fills and scores from a model to its copy."""
    targets = _masked_paths(copy)
    for path, source in _masked_paths(model).items():
        target = targets[path]
        target.mask.assign(ops.copy(source.mask.value))  # a shared array could be donated on JAX
        for name, variable in source.extras.items():
            target.extras[name].assign(ops.copy(variable.value))


def get_weights(model: keras.Layer) -> Weights:
    """Returns every variable's stored value by path, batch-norm statistics included, not masks."""
    internals.sync_trainer(model)
    return weights_of(paths.variables(model))


def weights_of(variables: Mapping[str, keras.Variable]) -> Weights:
    """Returns the stored values of variables."""
    return {path: _numpy(variable) for path, variable in variables.items()}


def set_weights(model: keras.Layer, weights: Weights) -> None:
    """Assigns every variable by path.

    Values are stored unmasked: the network reads them under its masks, and a later `set_masks`
    zeroes the pruned ones.

    Raises:
        LotteryError: a path is missing or unknown, or a shape differs.
    """
    internals.sync_trainer(model)
    known = paths.variables(model)
    _check_names("a path of the model", weights, known)
    missing = sorted(set(known) - set(weights))
    if missing:
        raise LotteryError(
            f"Expected a value for each of {len(known)} variables. Received: none for "
            f"{_some(missing)}. Give every variable that get_weights returns."
        )
    for path, variable in known.items():
        _check_shape(f"a value of {path!r}", tuple(variable.shape), np.asarray(weights[path]))
    for path, variable in known.items():
        variable.assign(np.array(weights[path]))
    for layer in internals.flatten_layers(model):
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()  # it normalizes by copies of its variables


def effective_weights(model: keras.Layer) -> Weights:
    """Returns the weights of the stripped model: stored values, and 0 or the fill where pruned.

    `bernoulli` weights are 0 where their probability is below a half.
    """
    return {path: read() for path, read in effective_readers(model).items()}


def effective_readers(model: keras.Layer) -> dict[str, Callable[[], np.ndarray]]:
    """Returns functions that read one of `effective_weights` each, to hold one at a time."""
    internals.sync_trainer(model)
    variables = paths.variables(model)
    readers = {path: partial(_numpy, variable) for path, variable in variables.items()}
    return readers | {p: partial(_folded, record) for p, record in _masked(variables).items()}


def _folded(record: MaskedVariable) -> np.ndarray:
    return _array(record.folded())


def zero_pruned(model: keras.Layer, optimizers: Iterable[keras.optimizers.Optimizer]) -> None:
    """Zeroes stored weights where pruned, and resets their optimizer slots to the initial value."""
    distinct = {id(i): i for o in optimizers for i in internals.inner_optimizers(o)}
    for record in masked_variables(model):
        record.zero_pruned()
        for optimizer in distinct.values():
            for slot in gradient_mask.slots(optimizer, record.variable):
                reset_pruned(slot.variable, slot.start, record.mask.value)
                backend.wait(slot.variable.value)


def _masked_paths(model: keras.Layer) -> dict[str, MaskedVariable]:
    return _masked(paths.variables(model))


def _masked(variables: Mapping[str, keras.Variable]) -> dict[str, MaskedVariable]:
    known = {path: masked(variable) for path, variable in variables.items()}
    return {path: record for path, record in known.items() if record is not None}


def _numpy(variable: keras.Variable) -> np.ndarray:
    return _array(variable.value)


def _array(value: Any) -> np.ndarray:
    """Returns a copy: JAX may donate the buffer, and torch may write to it."""
    return np.array(backend.view(value))


def _check_names(expected: str, names: Iterable[str], known: Iterable[str]) -> None:
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise LotteryError(
            f"Expected {expected}. Received: {_some(unknown)}. Known: {_some(sorted(known))}."
        )


def _check_shape(expected: str, shape: tuple[int, ...], value: np.ndarray) -> None:
    if value.shape != shape:
        raise LotteryError(
            f"Expected {expected} of shape {shape}. Received: shape {value.shape}. "
            "Take it from a model of the same architecture."
        )


def _some(names: list[str], at_most: int = 8) -> str:
    more = f" and {len(names) - at_most} more" if len(names) > at_most else ""
    return (", ".join(map(repr, names[:at_most])) or "nothing") + more
