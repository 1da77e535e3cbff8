"""What holds while a compiled training step is traced: the masks' values, and zeroed weights."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import local
from typing import Any

import keras

__all__ = ["active", "is_guarded", "mask_value", "step_scope"]

_step = local()


@contextmanager
def step_scope(
    model: keras.Layer, non_trainable_values: Sequence[Any] = (), *, guarded: bool = False
) -> Iterator[None]:
    """Says that a compiled training step of a masked model is traced here.

    `train_step` does this by itself. A loop of your own that does not call it can: then the mask
    costs nothing under XLA, since stored weights are taken to be 0 where pruned, as `set_masks`
    leaves them; and the optimizer's guard works on JAX, where `optimizer.stateless_apply` sees
    trainable and optimizer variables only. A mask that the guard read by itself there would be a
    constant of the compiled step, silently stale when the mask changes.

    Args:
        model: the masked model.
        non_trainable_values: on JAX, values of `model.non_trainable_variables` in that order.
        guarded: True where gradients go to the guarded optimizer alone, or there are none. Then
            weights that are 0 where pruned are read without their mask, and what the gradients
            of pruned ones are does not matter: the guard masks them before anything else.
    """
    values = {id(v): x for v, x in zip(model.non_trainable_variables, non_trainable_values)}
    outer = getattr(_step, "values", None), is_guarded()
    _step.values, _step.guarded = values, guarded
    try:
        yield
    finally:
        _step.values, _step.guarded = outer


def active() -> bool:
    """Returns True inside a `step_scope`."""
    return getattr(_step, "values", None) is not None


def is_guarded() -> bool:
    """Returns True inside a `step_scope` whose gradients go to the guard alone."""
    return bool(getattr(_step, "guarded", False))


def mask_value(mask: keras.Variable) -> Any:
    """Returns the mask's value in the step that is traced, or None where none is told."""
    return (getattr(_step, "values", None) or {}).get(id(mask))
