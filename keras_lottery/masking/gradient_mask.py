"""Optimizers that mask gradients: the second of the three mechanisms in `masking`.

The network reads its weights under the mask, so pruned weights get no gradient. But a regularizer,
or a `train_step` that reads a weight directly, can add one, which would affect clipping and
momentum. So gradients are masked by every known optimizer: attributes of a masked model,
optimizers built before the masks were added, and any other from its second step on.

The third mechanism, the variable's constraint, holds for any optimizer. It matters because Muon,
momentum from before pruning, custom weight decay and other constraints move weights without a
gradient.
"""

import gc
import types
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import compress, repeat
from typing import Any, NamedTuple
from weakref import WeakSet

import keras
from keras import ops

from keras_lottery import backend
from keras_lottery.backend.compile import is_tracer
from keras_lottery.backend.zeroing import zero_in_place, zeroed
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking.keras_internals import innermost
from keras_lottery.masking.masked_variable import MaskedVariable, masked, on_apply, reset_pruned

__all__ = [
    "guard",
    "guard_and_find_outer_models",
    "innermost",
    "install",
    "optimizers",
    "optimizers_of",
    "slots",
]

# Their slots stay 0 where the gradient is 0. Those of Adafactor and Muon, for example, don't.
_KEEPS_ZEROS = (
    keras.optimizers.SGD,
    keras.optimizers.Adam,  # AdamW is a subclass
    keras.optimizers.Adamax,
    keras.optimizers.Nadam,
    keras.optimizers.RMSprop,
    keras.optimizers.Adagrad,
    keras.optimizers.Adadelta,
    keras.optimizers.Lion,
)
# Adafactor divides by row mean · column mean, which underflows at its default, 1e-30, where a whole
# row and a whole column are pruned: 0 / 0 there, and NaN everywhere after the update's norm.
_PRUNED_SQUARE = 1e-16
_INSTALLED = internals.hidden_name("guarded")
_APPLYING = internals.hidden_name("applying")
_guarded: WeakSet[keras.optimizers.Optimizer] = WeakSet()


def install(model: keras.Model) -> None:
    """Guards every optimizer of a model and of the models inside it."""
    guard(optimizers(model))


def guard(optimizers: Iterable[keras.optimizers.Optimizer]) -> None:
    """Makes optimizers mask the gradients that they get, and keep pruned weights' slots as 0."""
    for optimizer in optimizers:
        for inner in internals.inner_optimizers(optimizer):
            _guard(inner)


def optimizers(model: keras.Layer) -> list[keras.optimizers.Optimizer]:
    """Returns the optimizers in the attributes of a model and of the models inside it.

    They are those inside loss-scaling and multiple optimizers, whose slots they hold.
    """
    result: dict[int, keras.optimizers.Optimizer] = {}
    for layer in internals.flatten_layers(model):
        for attribute in vars(layer).values() if isinstance(layer, keras.Model) else ():
            values = attribute.values() if isinstance(attribute, dict) else attribute
            for value in values if isinstance(attribute, dict | list | tuple) else (attribute,):
                if isinstance(value, keras.optimizers.Optimizer):
                    result |= {id(inner): inner for inner in internals.inner_optimizers(value)}
    return list(result.values())


def optimizers_of(variables: Iterable[keras.Variable]) -> list[keras.optimizers.Optimizer]:
    """Returns the guarded optimizers that train any of the variables."""
    wanted = {id(variable) for variable in variables}
    return [optimizer for optimizer in _guarded if _trains(optimizer, wanted)]


def guard_and_find_outer_models(
    layer: keras.Layer, variables: Iterable[keras.Variable]
) -> list[keras.Model]:
    """Guards the optimizers that already train a variable; returns the models around a layer.

    A model around the masked one, as in distillation, may already be compiled and trained: its
    optimizer has slots for the weights, and its compiled steps don't read masks.
    """
    # Through the garbage collector, since variables and layers don't link to them. This takes a
    # tenth of a second whenever masks are added.
    wanted = {id(variable) for variable in variables}
    found = _instances(keras.optimizers.Optimizer, keras.Model)
    for optimizer in (thing for thing in found if isinstance(thing, keras.optimizers.Optimizer)):
        if not hasattr(optimizer, "inner_optimizer") and _trains(optimizer, wanted):
            _guard(optimizer)
    return [
        thing
        for thing in found
        if isinstance(thing, keras.Model)
        and thing is not layer
        and getattr(thing, "compiled", False)
        and any(inner is layer for inner in internals.flatten_layers(thing))
    ]


def _instances(*classes: type) -> list[Any]:
    # By type: `isinstance` runs the code of proxies.
    everything = gc.get_objects()
    return list(compress(everything, map(issubclass, map(type, everything), repeat(classes))))


def _trains(optimizer: Any, wanted: set[int]) -> bool:
    return getattr(optimizer, "built", False) and any(
        id(variable) in wanted for variable in internals.optimized_variables(optimizer)
    )


def is_guarded(optimizer: Any) -> bool:
    """Returns True if the optimizer masks the gradients that it gets before it uses them."""
    return bool(getattr(optimizer, _INSTALLED, False))


def _guard(optimizer: keras.optimizers.Optimizer) -> None:
    if getattr(optimizer, _INSTALLED, False):
        return
    object.__setattr__(optimizer, _INSTALLED, True)
    _guarded.add(optimizer)
    # Bound methods: a deep copy of the optimizer rebinds them to the copy.
    replaced: dict[str, Callable[..., Any]] = {
        "apply": _apply,
        "finalize_variable_values": _finalize,
    }
    if isinstance(optimizer, keras.optimizers.Adafactor):
        replaced["update_step"] = _adafactor_step
    for name, function in replaced.items():
        object.__setattr__(optimizer, name, types.MethodType(function, optimizer))
    if optimizer.use_ema and optimizer.built:
        _unshare(internals.optimized_variables(optimizer))


class Slot(NamedTuple):
    """An optimizer's variable with one entry for each weight of a variable.

    Args:
        variable: momentum, average or accumulated gradient, for example.
        start: initial value of each entry; 0 except for Adagrad's and Ftrl's sums of squares,
            by which they divide.
    """

    variable: keras.Variable
    start: float


def slots(optimizer: Any, variable: keras.Variable) -> list[Slot]:
    """Returns the slots of a variable, from the optimizer's lists with one entry per variable."""
    optimizer = innermost(optimizer)
    if not optimizer.built:
        return []
    known = internals.optimized_variables(optimizer)
    index = next((i for i, v in enumerate(known) if v is variable), None)
    if index is None:
        return []
    result: dict[int, Slot] = {}
    for name, attribute in vars(optimizer).items():
        if not isinstance(attribute, list | tuple) or len(attribute) != len(known):
            continue
        slot = attribute[index]
        if not isinstance(slot, keras.Variable) or any(slot is v for v in known):
            continue
        if tuple(slot.shape) == tuple(variable.shape):
            sums = name == "_accumulators"
            start = getattr(optimizer, "initial_accumulator_value", 0.0) if sums else 0.0
            result[id(slot)] = Slot(slot, start)
    return list(result.values())


def _apply(self: Any, grads: Sequence[Any], trainable_variables: Any = None) -> Any:
    """Replaces `optimizer.apply`."""
    variables = trainable_variables
    if variables is None:
        variables = internals.optimized_variables(self)
    variables = list(variables)
    kept = [_mask_for(variable, g) for variable, g in zip(variables, grads)]
    grads = [
        g if mask is None else _masked_gradient(variable, g, mask)
        for variable, g, mask in zip(variables, grads, kept)
    ]
    with _applying(self):
        result = type(self).apply(self, grads, trainable_variables)
    for variable, mask in zip(variables, kept) if not _keeps_zeros(self) else ():
        for slot in slots(self, variable) if mask is not None else ():
            reset_pruned(slot.variable, slot.start, mask)
    return result


@contextmanager
def _applying(optimizer: Any) -> Iterator[None]:
    """Marks an optimizer whose masked gradients are being applied, by one replica or several."""
    object.__setattr__(optimizer, _APPLYING, getattr(optimizer, _APPLYING, 0) + 1)
    try:
        yield
    finally:
        object.__setattr__(optimizer, _APPLYING, getattr(optimizer, _APPLYING) - 1)


def _adafactor_step(self: Any, gradient: Any, variable: Any, learning_rate: Any) -> Any:
    """Replaces `Adafactor.update_step`: adds more to the squared gradients of pruned weights."""
    kept = _mask_for(internals.keras_variable(self, variable), gradient)
    given = self.epsilon_1
    if kept is not None:
        epsilons = [ops.cast(e, variable.dtype) for e in (given, max(given, _PRUNED_SQUARE))]
        object.__setattr__(self, "epsilon_1", ops.where(kept, *epsilons))
    try:
        return type(self).update_step(self, gradient, variable, learning_rate)
    finally:
        object.__setattr__(self, "epsilon_1", given)


def _finalize(self: Any, var_list: Sequence[keras.Variable]) -> None:
    """Replaces `optimizer.finalize_variable_values`."""
    type(self).finalize_variable_values(self, var_list)
    for variable in var_list if self.use_ema else ():
        record = masked(variable)
        if record is not None:
            record.zero_pruned()  # the constraint doesn't apply to the average
    if self.use_ema:
        _unshare(var_list)


def _unshare(variables: Iterable[keras.Variable]) -> None:
    """Gives weights arrays that their averages don't have, too, as after Keras' `fit` on JAX.

    The next `fit` would donate such an array twice.
    """
    for variable in variables if backend.name() == "jax" else ():
        if not is_tracer(variable.value):
            variable.assign(ops.copy(variable.value))


def _mask_for(variable: object, gradient: Any) -> Any:
    record = masked(variable)
    return None if record is None or gradient is None else record.mask_for(gradient)


def _masked_gradient(variable: Any, gradient: Any, kept: Any) -> Any:
    # On torch, `backward` leaves the gradient at the parameter, which then has the masked one.
    own = backend.name() == "torch" and gradient is variable.value.grad
    if own and zero_in_place(gradient, kept):
        return gradient
    return zeroed(ops.convert_to_tensor(gradient), kept)


def _keeps_zeros(optimizer: Any) -> bool:
    if getattr(type(optimizer), "keeps_zeros", False):  # declared by our own subclasses
        return True
    return any(
        isinstance(optimizer, known) and type(optimizer).update_step is known.update_step
        for known in _KEEPS_ZEROS
    )


def _guard_late(optimizer: keras.optimizers.Optimizer, record: MaskedVariable, kept: Any) -> None:
    """Guards an optimizer in its first step on a masked variable, and resets that one's slots.

    On JAX this step is the one that is compiled.
    """
    if getattr(optimizer, _APPLYING, 0):
        return
    _guard(optimizer)
    for slot in slots(optimizer, record.variable) if kept is not None else ():
        reset_pruned(slot.variable, slot.start, kept)


on_apply.append(_guard_late)
