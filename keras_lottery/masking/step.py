"""The context in which a compiled training step is traced: mask values, and zeroed weights."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from threading import local
from typing import Any

import keras

__all__ = ["active", "mask_value", "masked_by_optimizer", "reads_stored", "step_scope"]

_step = local()


@contextmanager
def step_scope(
    model: keras.Layer,
    non_trainable_values: Sequence[Any] = (),
    *,
    guarded: bool = False,
    zeroed: Iterable[keras.Layer] = (),
) -> Iterator[None]:
    """Marks the code inside as a compiled training step of a masked model.

    `train_step` enters this scope itself. Use it in a custom loop that doesn't call `train_step`:

    - The mask then costs nothing under XLA: stored weights are assumed to be 0 where pruned, as
      `set_masks` leaves them.
    - The gradient mask then works on JAX, where `optimizer.stateless_apply` only receives
      trainable and optimizer variables. Read from its variable, the mask would be a constant of
      the compiled step, silently stale after it changes.

    Args:
        model: the masked model.
        non_trainable_values: on JAX, values of `model.non_trainable_variables`, in that order.
        guarded: True if gradients go to the guarded optimizer only, or there are none. Weights
            that are 0 where pruned are then read without their mask: the optimizer masks their
            gradients before using them.
        zeroed: layers whose stored weights have just been zeroed where pruned, and no other value
            stands for a pruned weight. Under `guarded`, they run without a scope of their own.
    """
    fixed = model.non_trainable_variables if non_trainable_values else ()
    values = {id(v): x for v, x in zip(fixed, non_trainable_values)}
    outer = getattr(_step, "values", None), masked_by_optimizer(), getattr(_step, "zeroed", ())
    _step.values, _step.guarded, _step.zeroed = values, guarded, set(map(id, zeroed))
    try:
        yield
    finally:
        _step.values, _step.guarded, _step.zeroed = outer


def active() -> bool:
    """Returns True inside a `step_scope`."""
    return getattr(_step, "values", None) is not None


def masked_by_optimizer() -> bool:
    """Returns True inside a `step_scope` whose gradients all go to an optimizer that masks them."""
    return bool(getattr(_step, "guarded", False))


def reads_stored(layer: keras.Layer) -> bool:
    """Returns True if the stored weights of a layer are the effective ones in this step."""
    return id(layer) in getattr(_step, "zeroed", ()) and masked_by_optimizer()


def mask_value(mask: keras.Variable) -> Any:
    """Returns the mask's value in the step being traced, or None if `step_scope` has none."""
    return (getattr(_step, "values", None) or {}).get(id(mask))
