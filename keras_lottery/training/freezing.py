"""Keeping rows of trained variables as they are, whatever the optimizer does.

Gradients of frozen rows are zero before the optimizer sees them (momentum, clipping by the global
norm), and after its step the rows of the variable and of its slots are put back, so that neither
momentum nor weight decay moves them. The masks are variables of the optimizer: a compiled step
takes them as state, and is not traced again when they change.
"""

import types
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking.gradient_mask import innermost, slots

_HELD = internals.hidden_name("frozen_rows")


class FrozenRows:
    """Freezes rows of variables in every step of a compiled model's optimizer.

    Args:
        model: compiled, with its optimizer built.
        rows: variable and the axis along which it has its rows.
    """

    def __init__(self, model: keras.Model, rows: Sequence[tuple[keras.Variable, int]]) -> None:
        self._optimizer = innermost(model.optimizer)
        self._before = vars(self._optimizer).get("apply")
        plain = self._optimizer.apply
        self._masks: dict[int, tuple[keras.Variable, int]] = {}
        for variable, axis in rows:
            mask = self._optimizer.add_variable(
                (variable.shape[axis],), initializer="ones", dtype="bool", name="trained_rows"
            )
            self._masks[id(variable)] = (mask, axis % len(variable.shape))
        held = self._masks

        def apply(self: Any, grads: Sequence[Any], trainable_variables: Any = None) -> Any:
            return _apply(self, plain, held, grads, trainable_variables)

        object.__setattr__(self._optimizer, "apply", types.MethodType(apply, self._optimizer))

    def freeze(self, variable: keras.Variable, frozen: NDArray[np.bool_]) -> None:
        """Freezes the rows of a variable where `frozen` is True; the others are trained."""
        self._masks[id(variable)][0].assign(~np.asarray(frozen, bool))

    def remove(self) -> None:
        """Leaves the optimizer as it was before."""
        if self._before is None:
            object.__delattr__(self._optimizer, "apply")
        else:
            object.__setattr__(self._optimizer, "apply", self._before)
        internals.forget_variables(self._optimizer, [mask for mask, _ in self._masks.values()])


def _apply(
    optimizer: Any,
    plain: Any,
    held: Mapping[int, tuple[keras.Variable, int]],
    grads: Sequence[Any],
    trainable_variables: Any,
) -> Any:
    """Stands in for `optimizer.apply`."""
    variables = trainable_variables
    if variables is None:
        variables = internals.optimized_variables(optimizer)
    variables, grads, kept = list(variables), list(grads), []
    for index, variable in enumerate(variables):
        if id(variable) not in held or grads[index] is None:
            continue
        mask, axis = held[id(variable)]
        shape = [1] * len(variable.shape)
        shape[axis] = -1
        trained = ops.reshape(ops.convert_to_tensor(mask.value), shape)
        grads[index] = ops.where(trained, grads[index], ops.zeros_like(grads[index]))
        for one in (variable, *(slot.variable for slot in slots(optimizer, variable))):
            kept.append((one, trained, ops.copy(one.value)))
    result = plain(grads, trainable_variables)
    for variable, trained, before in kept:
        variable.assign(ops.where(trained, ops.convert_to_tensor(variable.value), before))
    return result
