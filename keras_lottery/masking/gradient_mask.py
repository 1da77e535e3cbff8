"""The second line of defence: the optimizer never moves a pruned weight, however it was read.

The mask under which the network reads its weights gives pruned ones no gradient. A regularizer,
a constraint, or a `train_step` that reads a weight directly can still give one, and some
optimizers (Muon) move a weight that has none. So gradients are masked before anything else sees
them (clipping, accumulation), and stored weights are set to zero again where it may be needed.

What is promised: outside of `step_scope`, the weight that the network uses is exactly zero where
pruned, whatever is stored. The stored weight is zero after every step too

- of an optimizer that leaves a zero without gradient alone (`_KEEPS_ZEROS`), whoever calls it;
- of any other, such as Muon, that is guarded: an attribute of the masked model or of a model
  inside it, or built when the masks were set. In a step that JAX compiles, that takes `fit`,
  `train_on_batch` or a `step_scope` of a masked model, which tell the guard the masks.
"""

import gc
import types
from collections.abc import Sequence
from itertools import compress, repeat
from typing import Any, NamedTuple

import keras
from keras import ops

from keras_lottery import backend
from keras_lottery.backend.tracing import is_tracer
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking import step
from keras_lottery.masking.keras_internals import innermost
from keras_lottery.masking.mask_layer import MaskedVariable, masked

__all__ = ["innermost", "install", "optimizers", "slots", "trainers"]

# Their update of a weight whose gradient and slots are 0 and that is 0 itself is 0.
_KEEPS_ZEROS = (
    keras.optimizers.SGD,
    keras.optimizers.Adam,  # AdamW, and Adafactor's kin below, are subclasses or alike
    keras.optimizers.Adamax,
    keras.optimizers.Nadam,
    keras.optimizers.RMSprop,
    keras.optimizers.Adagrad,
    keras.optimizers.Adadelta,
    keras.optimizers.Lion,
)
_KEEP_ZEROS = (
    keras.constraints.MaxNorm,
    keras.constraints.UnitNorm,
    keras.constraints.NonNeg,
    keras.constraints.MinMaxNorm,
)
_INSTALLED = internals.hidden_name("guarded")


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


def trainers(variables: Sequence[keras.Variable]) -> list[keras.optimizers.Optimizer]:
    """Returns the optimizers in this process that train one of the variables, and guards them.

    That of a model around the masked one, as in distillation, or of a loop by hand would go on
    moving a weight by the momentum that it had.
    """
    # Through the garbage collector, at a tenth of a second a call: a variable has no link to its
    # optimizers, Keras keeps no list of them, and they may have been built before the first mask,
    # so that nothing of ours was there to be told. Pass `optimizers` to `set_masks` to avoid it.
    everything = gc.get_objects()
    # By type, since proxies answer `isinstance` with code of their own.
    are_optimizers = map(issubclass, map(type, everything), repeat(keras.optimizers.Optimizer))
    wanted = {id(variable) for variable in variables}
    found = [
        one
        for one in compress(everything, are_optimizers)
        if not hasattr(one, "inner_optimizer")
        and getattr(one, "built", False)
        and any(id(v) in wanted for v in internals.optimized_variables(one))
    ]
    for optimizer in found:
        _guard(optimizer)
    return found


def _guard(optimizer: keras.optimizers.Optimizer) -> None:
    if getattr(optimizer, _INSTALLED, False):
        return
    object.__setattr__(optimizer, _INSTALLED, True)
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
    kept = [_kept(masked(v), g) for v, g in zip(variables, grads)]
    grads = [g if m is None else _masked(g, m) for g, m in zip(grads, kept)]
    result = type(self).apply(self, grads, trainable_variables)
    for variable, mask in zip(variables, kept):
        if mask is not None and _may_move_zeros(self, variable):
            for one in (Slot(variable, 0.0), *slots(self, variable)):
                one.variable.assign(_masked(one.variable.value, mask, one.start))
    return result


def _finalize(self: Any, var_list: Sequence[keras.Variable]) -> None:
    """Stands in for `optimizer.finalize_variable_values`.

    Keras gives the weight and its average one buffer on JAX, and the next `fit` donates it twice.
    """
    type(self).finalize_variable_values(self, var_list)
    if self.use_ema and backend.name() == "jax":
        for variable in var_list:
            variable.assign(ops.copy(variable.value))


def _kept(record: MaskedVariable | None, gradient: Any) -> Any:
    """Returns the mask as this step may read it, or None where there is none."""
    if record is None or gradient is None:
        return None
    found = step.mask_value(record.mask)
    if found is None and is_tracer(gradient):
        return None  # reading the variable here would compile its value in
    return record.mask.value if found is None else found


def _masked(value: Any, kept: Any, fill: float = 0.0) -> Any:
    value = ops.convert_to_tensor(value)
    return ops.where(kept, value, ops.cast(fill, value.dtype))


def _may_move_zeros(optimizer: Any, variable: keras.Variable) -> bool:
    constraint = variable.constraint
    if constraint is not None and type(constraint) not in _KEEP_ZEROS:
        return True
    if getattr(type(optimizer), "keeps_zeros", False):  # our own subclasses say so themselves
        return False
    return not any(
        isinstance(optimizer, known) and type(optimizer).update_step is known.update_step
        for known in _KEEPS_ZEROS
    )
