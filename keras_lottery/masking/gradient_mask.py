"""The second line of defence: the optimizer never moves a pruned weight, however it was read.

The mask under which the network reads its weights gives pruned ones no gradient. A regularizer,
or a `train_step` that reads a weight directly, can still give one, which would count in clipping
and momentum. So an optimizer that is known gets masked gradients: one in an attribute of a masked
model, one that had been built when the masks were added, and any other from its second step on.

What no optimizer can do, known or not, is to move a stored pruned weight: the variable's own
constraint sets it to zero again at the end of every step (`mask_layer.PrunedStayZero`). Muon
moves weights that have no gradient; so do momentum from before the pruning, weight decay of a
user's own making, and other constraints.
"""

import gc
import types
from collections.abc import Iterable, Sequence
from itertools import compress, repeat
from typing import Any, NamedTuple
from weakref import WeakSet

import keras
from keras import ops

from keras_lottery import backend
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking.keras_internals import innermost
from keras_lottery.masking.mask_layer import masked, on_apply

__all__ = ["find_trainers", "innermost", "install", "optimizers", "slots", "trainers"]

# They leave slots at 0 where the gradient is 0; Adafactor and Muon's averages, for two, do not.
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
_INSTALLED = internals.hidden_name("guarded")
_guarded: WeakSet[keras.optimizers.Optimizer] = WeakSet()


def install(model: keras.Model) -> None:
    """Guards every optimizer that a model or a model inside it has; there may be none."""
    for optimizer in optimizers(model):
        _guard(optimizer)


def optimizers(model: keras.Layer) -> list[keras.optimizers.Optimizer]:
    """Returns the innermost optimizers in the attributes of a model and of the models inside it."""
    found: dict[int, keras.optimizers.Optimizer] = {}
    for one in internals.flatten_layers(model):
        for held in vars(one).values() if isinstance(one, keras.Model) else ():
            things = held.values() if isinstance(held, dict) else held
            for thing in things if isinstance(held, dict | list | tuple) else (held,):
                if isinstance(thing, keras.optimizers.Optimizer):
                    found[id(innermost(thing))] = innermost(thing)
    return list(found.values())


def trainers(variables: Iterable[keras.Variable]) -> list[keras.optimizers.Optimizer]:
    """Returns the guarded optimizers that train one of the variables."""
    wanted = {id(variable) for variable in variables}
    return [one for one in _guarded if _trains(one, wanted)]


def find_trainers(layer: keras.Layer, variables: Iterable[keras.Variable]) -> list[keras.Model]:
    """Guards the optimizers that train a variable by now; returns the models around a layer.

    A model around the masked one, as in distillation, may have been compiled and trained before:
    its optimizer has slots for the weights, and its compiled steps know no masks.
    """
    # Through the garbage collector, since neither variables nor layers have a link to those. It
    # takes a tenth of a second, once for each time that masks are added.
    wanted = {id(variable) for variable in variables}
    everything = gc.get_objects()
    for optimizer in _of_class(everything, keras.optimizers.Optimizer):
        if not hasattr(optimizer, "inner_optimizer") and _trains(optimizer, wanted):
            _guard(optimizer)
    return [
        model
        for model in _of_class(everything, keras.Model)
        if model is not layer
        and getattr(model, "compiled", False)
        and any(one is layer for one in internals.flatten_layers(model))
    ]


def _of_class(everything: list[Any], cls: type) -> list[Any]:
    # By type, since proxies answer `isinstance` with code of their own.
    return list(compress(everything, map(issubclass, map(type, everything), repeat(cls))))


def _trains(optimizer: Any, wanted: set[int]) -> bool:
    return getattr(optimizer, "built", False) and any(
        id(variable) in wanted for variable in internals.optimized_variables(optimizer)
    )


def _guard(optimizer: keras.optimizers.Optimizer) -> None:
    if getattr(optimizer, _INSTALLED, False):
        return
    object.__setattr__(optimizer, _INSTALLED, True)
    _guarded.add(optimizer)
    # Bound methods, which a deep copy of the optimizer binds to the copy.
    for name, function in (("apply", _apply), ("finalize_variable_values", _finalize)):
        object.__setattr__(optimizer, name, types.MethodType(function, optimizer))


class Slot(NamedTuple):
    """An optimizer's variable with one entry for each weight of a variable.

    Args:
        variable: momentum, average, accumulated gradient or the like.
        start: what each entry is before the first step; 0 but for Adagrad's and Ftrl's sums of
            squares, by which they divide.
    """

    variable: keras.Variable
    start: float


def slots(optimizer: Any, variable: keras.Variable) -> list[Slot]:
    """Returns the slots of a variable; they stand in lists with one entry a variable."""
    optimizer = innermost(optimizer)
    if not optimizer.built:
        return []
    known = internals.optimized_variables(optimizer)
    index = next((i for i, v in enumerate(known) if v is variable), None)
    if index is None:
        return []
    found: dict[int, Slot] = {}
    for name, attribute in vars(optimizer).items():
        if not isinstance(attribute, list | tuple) or len(attribute) != len(known):
            continue
        slot = attribute[index]
        if not isinstance(slot, keras.Variable) or any(slot is v for v in known):
            continue
        if tuple(slot.shape) == tuple(variable.shape):
            sums = name == "_accumulators"
            start = getattr(optimizer, "initial_accumulator_value", 0.0) if sums else 0.0
            found[id(slot)] = Slot(slot, start)
    return list(found.values())


def _apply(self: Any, grads: Sequence[Any], trainable_variables: Any = None) -> Any:
    """Stands in for `optimizer.apply`."""
    variables = trainable_variables
    if variables is None:
        variables = internals.optimized_variables(self)
    variables = list(variables)
    kept = [_mask_beside(variable, g) for variable, g in zip(variables, grads)]
    grads = [g if mask is None else _masked(g, mask) for g, mask in zip(grads, kept)]
    result = type(self).apply(self, grads, trainable_variables)
    for variable, mask in zip(variables, kept) if not _keeps_zeros(self) else ():
        for slot in slots(self, variable) if mask is not None else ():
            slot.variable.assign(_masked(slot.variable.value, mask, slot.start))
    return result


def _finalize(self: Any, var_list: Sequence[keras.Variable]) -> None:
    """Stands in for `optimizer.finalize_variable_values`.

    Keras gives the weight and its average one buffer on JAX, and the next `fit` donates it twice.
    """
    type(self).finalize_variable_values(self, var_list)
    for variable in var_list if self.use_ema else ():
        record = masked(variable)
        if record is not None:
            record.zero_pruned()  # the average is of weights from before the constraint
        if backend.name() == "jax":
            variable.assign(ops.copy(variable.value))


def _mask_beside(variable: object, gradient: Any) -> Any:
    record = masked(variable)
    return None if record is None or gradient is None else record.mask_beside(gradient)


def _masked(value: Any, kept: Any, fill: float = 0.0) -> Any:
    value = ops.convert_to_tensor(value)
    return ops.where(kept, value, ops.cast(fill, value.dtype))


def _keeps_zeros(optimizer: Any) -> bool:
    if getattr(type(optimizer), "keeps_zeros", False):  # our own subclasses say so themselves
        return True
    return any(
        isinstance(optimizer, known) and type(optimizer).update_step is known.update_step
        for known in _KEEPS_ZEROS
    )


on_apply.append(_guard)
