"""A variable with its mask: the effective weight, and pruned weights that stay 0."""

import types
from collections.abc import Callable
from typing import Any
from weakref import ref

import keras
import numpy as np
from keras import ops

from keras_lottery import backend
from keras_lottery.backend.compile import is_tracer, reaches
from keras_lottery.backend.zeroing import zero_in_place, zeroed
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking import step
from keras_lottery.masking.parametrizations import Parametrization

__all__ = ["MaskedVariable", "PrunedStayZero", "masked", "on_apply", "reset_pruned"]

_RECORD = internals.hidden_name("record")


class MaskedVariable:
    """A variable with its mask and parametrization.

    Args:
        name: attribute path of the variable in its layer, e.g. `kernel` or `cell/kernel`.
        variable: the stored weight; zero where pruned.
        mask: boolean variable of the same shape; True = kept.
        extras: further variables of the parametrization by name.
        parametrization: computes the effective weight from these.
        seed: seed generator of a parametrization that samples.
    """

    def __init__(
        self,
        name: str,
        variable: keras.Variable,
        mask: keras.Variable,
        extras: dict[str, keras.Variable],
        parametrization: Parametrization,
        seed: keras.random.SeedGenerator | None = None,
    ) -> None:
        self.name = name
        self.variable = variable
        self.mask = mask
        self.extras = extras
        self.parametrization = parametrization
        self._seed = seed
        self._last_read: ref[Any] | None = None
        setattr(variable, _RECORD, self)
        self._zeroed: ref[Any] | None = None
        self.assigned = True
        if backend.name() == "tensorflow":  # elsewhere, assigned values are other arrays
            object.__setattr__(variable, "assign", types.MethodType(_assign, variable))
        inner = variable.constraint
        inner = inner.inner if isinstance(inner, PrunedStayZero) else inner
        variable.constraint = inner if parametrization.learned else PrunedStayZero(self, inner)

    def effective(self, stored: Any, in_step: bool = False) -> Any:
        """Returns the effective weight for a stored one.

        Args:
            stored: value of the stored weight.
            in_step: True in a compiled training step, where `stored` is 0 if pruned.
        """
        kept = self.mask.value
        if backend.name() == "jax":
            self._last_read = ref(kept)  # weak, since a tracer must not outlive its trace
        if in_step:
            return self.parametrization.effective_in_step(stored, kept, self._values())
        return self.parametrization.effective(stored, kept, self._values())

    def mask_for(self, value: Any) -> Any:
        """Returns the mask for use in the step that computes `value`, or None.

        In a step compiled by JAX, an optimizer receives its own and the trained variables, but no
        masks. Reading the mask variable there would compile its present value in, silently stale
        after the mask changes. So this returns the value from the `step_scope`, or the one that
        the network has read in the same trace. Neither exists if the network ran inside a nested
        `jax.jit`.
        """
        scoped = step.mask_value(self.mask)
        if scoped is not None:
            return scoped
        read = self._last_read() if self._last_read is not None else None
        if is_tracer(value):
            # A concrete mask would be compiled in.
            return read if is_tracer(read) and reaches(read, value) else None
        return read if self.mask.value is None else self.mask.value  # None during JAX's `fit`

    def folded(self) -> Any:
        """Returns the weight of the stripped model."""
        return self.parametrization.folded(self.variable.value, self.mask.value, self._values())

    def kept(self) -> Any:
        """Returns the mask of the stripped model: the learned one, or the assigned one."""
        return self.parametrization.mask(self.mask.value, self._values())

    def _values(self) -> dict[str, Any]:
        values: dict[str, Any] = {name: v.value for name, v in self.extras.items()}
        return values | {"seed": self._seed} if self.parametrization.draws else values

    def draw_extras(self, rng: np.random.Generator) -> None:
        """Initializes the extra variables, such as scores."""
        for extra in self.parametrization.extras:
            variable = self.extras[extra.name]
            variable.assign(extra.draw(tuple(variable.shape), rng))

    def zero_pruned(self) -> None:
        """Sets the stored weight to exactly 0 where pruned, unless its mask is learned."""
        if not self.parametrization.learned:
            reset_pruned(self.variable, 0.0, self.mask.value)
            backend.wait(self.variable.value)
        self.mark_zeroed()

    def mark_zeroed(self) -> None:
        """Notes that the stored weight is 0 where pruned, until something writes to it."""
        self._zeroed = ref(self.variable.value) if backend.name() == "jax" else None
        self.assigned = False

    def is_written(self) -> bool:
        """Returns True if the stored weight may have been written since `mark_zeroed`."""
        if backend.name() == "jax":
            return self._zeroed is None or self._zeroed() is not self.variable.value
        return self.assigned or backend.name() == "torch"

    def zero_at_once(self) -> bool:
        """Zeroes the weight in place; False if it couldn't, or pruned weights have other values."""
        if self.parametrization.name != "zero":
            return False
        return zero_in_place(self.variable.value, self.mask.value)


def _assign(self: keras.Variable, value: Any) -> Any:
    """Replaces `variable.assign` on TensorFlow, where values change in place."""
    record = masked(self)
    if record is not None:
        record.assigned = True
    return type(self).assign(self, value)


def reset_pruned(variable: keras.Variable, start: float, kept: Any) -> None:
    """Sets a weight, or an optimizer slot of it, to `start` where it isn't kept."""
    value = variable.value
    if start or not zero_in_place(value, kept):
        variable.assign(ops.where(kept, value, ops.cast(start, value.dtype)))


on_apply: list[Callable[[keras.optimizers.Optimizer, MaskedVariable, Any], None]] = []
"""Called with an optimizer, the masked variable that it has just updated, and the mask.

A hook of `gradient_mask`, because that module imports this one.
"""


class PrunedStayZero(keras.constraints.Constraint):
    """Sets the stored weight to exactly 0 where pruned, at the end of every optimizer step.

    It is the constraint of a masked variable, not of its layer, so it isn't in any config.

    Args:
        record: the masked variable.
        inner: the variable's previous constraint, applied to the zeroed weight.
    """

    def __init__(self, record: MaskedVariable, inner: Callable[[Any], Any] | None) -> None:
        self.record = record
        self.inner = inner

    def __call__(self, w: Any) -> Any:
        """Returns the weight, 0 where pruned."""
        optimizer = internals.applying_optimizer()
        value = ops.convert_to_tensor(w)
        kept = self.record.mask_for(value)
        for function in on_apply if optimizer is not None else ():
            function(optimizer, self.record, kept)
        if kept is None:  # in a nested jit: see `mask_for`; the network still reads masked weights
            return value if self.inner is None else self.inner(value)
        if optimizer is None or w is not self.record.variable or not zero_in_place(value, kept):
            value = zeroed(value, kept)
        return value if self.inner is None else zeroed(self.inner(value), kept)


def masked(variable: object) -> MaskedVariable | None:
    """Returns the record of a masked variable, else None."""
    return getattr(variable, _RECORD, None)
