"""Masking swaps an object's class for a subclass of it.

`Masked` wraps layers by hand. `mask` swaps classes instead, for three reasons:

- Identity: references to the object, tied weights, the graph of a functional model, callbacks and
  the compile state stay valid.
- Structural paths and weight files stay the same: dense checkpoints load into masked models, and
  masks of one build fit another.
- The layer's own `call` runs on its own attributes: fused kernels, a cell inside its RNN, and
  layers that read each other's weights work without special wrappers.

Only Keras' `get_config` and `compile_from_config` must not see the swapped class; they get a view
of the object with its own class.
"""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import keras

from keras_lottery.masking import keras_internals as internals

__all__ = ["own_class_view", "swapped_class"]


def own_class_view(layer: Any) -> Any:
    """Returns a second object with the same state as a swapped one, but its own class.

    Swapping the class back temporarily would let other threads run the network unmasked.
    """
    view = object.__new__(layer.keras_lottery_base)
    object.__setattr__(view, "__dict__", vars(layer))
    return view


@cache
def swapped_class(base: Any, mixin: Any, forwarded: tuple[str, ...]) -> type:
    """Returns the subclass of a layer's class with a mixin.

    Args:
        base: the layer's own class.
        mixin: what a masked or compacted layer does differently.
        forwarded: its methods whose signatures Keras reads; they keep those of the base class.
    """
    body: dict[str, Any] = {
        "__module__": base.__module__,
        "__qualname__": base.__qualname__,
        "__doc__": base.__doc__,
        "keras_lottery_base": base,
    }
    for name in forwarded:
        body[name] = _forward(getattr(mixin, name), getattr(base, name))
    if not hasattr(base, "enable_lora"):
        body["enable_lora"] = property(_no_attribute)
    cls = type(base)(base.__name__, (mixin, base), body)
    internals.name_class(cls, mixin.registered_name)
    return cls


def _forward(method: Callable[..., Any], like: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(like)
    def forward(self: Any, *args: Any, **kwargs: Any) -> Any:
        return method(self, *args, **kwargs)

    return forward


def _no_attribute(layer: keras.Layer) -> Any:
    raise AttributeError(f"{type(layer).__name__!r} object has no attribute 'enable_lora'")
