"""What training has to know of callbacks: which hooks they define, and that they write weights."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import keras

from keras_lottery import backend
from keras_lottery.masking.keras_internals import is_synced
from keras_lottery.masking.mask_holder import zero_stored

__all__ = ["BATCH_HOOKS", "Callbacks", "ZeroPruned", "callback_list", "defines", "with_zeroing"]

BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")

Callbacks: TypeAlias = keras.callbacks.Callback | Sequence[keras.callbacks.Callback]


def callback_list(callbacks: Callbacks | None) -> list[keras.callbacks.Callback]:
    """Returns callbacks as a list."""
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return list(callbacks.callbacks)
    return keras.tree.flatten(callbacks) if callbacks else []


def defines(callbacks: Iterable[Any], hooks: Sequence[str]) -> bool:
    """Returns True if a callback defines one of the hooks, in its class or on the object."""
    base = keras.callbacks.Callback
    defining = [c for c in callbacks if not isinstance(c, keras.callbacks.ProgbarLogger)]
    return any(
        hook in vars(callback) or getattr(type(callback), hook) is not getattr(base, hook)
        for callback in defining
        for hook in hooks
    )


class ZeroPruned(keras.callbacks.Callback):
    """Zeroes stored weights where pruned after the other callbacks, which may have written them.

    The compiled steps rely on it; see `masking`.
    """

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        zero_stored(self.model)


class _BeforeEachStep(ZeroPruned):
    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if is_synced(self.model):  # otherwise no callback could write on JAX
            zero_stored(self.model)


def with_zeroing(callbacks: Callbacks, model: keras.Model) -> Callbacks:
    """Returns callbacks, and one more that zeroes what they write where a weight is pruned.

    Without callbacks none is added, nor on torch, where every step zeroes the weights.

    Args:
        callbacks: a `CallbackList` is completed in place.
        model: masked.
    """
    listed = callback_list(callbacks)
    if not listed or backend.name() == "torch" or isinstance(listed[-1], ZeroPruned):
        return callbacks
    # Our own write through functions that zero.
    writing = [c for c in listed if not getattr(c, "keeps_zeros", False)]
    added = _BeforeEachStep() if defines(writing, BATCH_HOOKS) else ZeroPruned()
    if isinstance(callbacks, keras.callbacks.CallbackList):
        added.set_model(model)
        callbacks.callbacks.append(added)
        return callbacks
    return [*listed, added]
