"""The classes that masked layers and models get, and how files name them.

A masked object keeps its identity, variables and name; only its class changes, to one made on
the fly below its own. The made class has the same name, so weight files and structural paths stay
as they are.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from typing import Any

import keras

from keras_lottery.errors import LotteryError
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking import paths
from keras_lottery.masking.holder import MaskedVariable, holder_of, masked
from keras_lottery.masking.scope import MaskScope

__all__ = ["CONFIG_KEY", "MaskedLayer", "as_base", "give_class", "is_swapped", "set_pending"]

CONFIG_KEY = "keras_lottery_masks"
PENDING = internals.hidden_name("pending")
OPTIONS = internals.hidden_name("options")


@keras.saving.register_keras_serializable("keras_lottery", "MaskedLayer")
class MaskedLayer(internals.LayerHooks):
    """What a masked layer does differently from its own class."""

    keras_lottery_base: type[keras.Layer]
    built: bool
    registered_name = "keras_lottery>MaskedLayer"

    def call(self, *args: Any, **kwargs: Any) -> Any:
        with MaskScope(self, _records(self)):
            return super().call(*args, **kwargs)  # type: ignore[misc]

    def get_config(self) -> dict[str, Any]:
        with as_base(self):
            config = dict(self.get_config())
        config[CONFIG_KEY] = {
            **internals.class_entry(self.keras_lottery_base),
            "variables": [list(pair) for pair in self.masked_names()],
        }
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], **kwargs: Any) -> keras.Layer:
        """Rebuilds the object from its own class' config; it is masked as soon as it is built."""
        config = dict(config)
        entry = dict(config.pop(CONFIG_KEY))
        names = [(name, kind) for name, kind in entry.pop("variables")]
        layer = keras.saving.deserialize_keras_object({**entry, "config": config})
        return set_pending(layer, names)

    def masked_names(self) -> list[tuple[str, str]]:
        """Returns (path, parametrization) of what is masked below here, for the config."""
        waiting = list(getattr(self, PENDING, ()))
        if not self.built:
            return waiting
        found = ((path, masked(variable)) for path, variable in paths.variables(self).items())
        return [*waiting, *((p, r.parametrization.name) for p, r in found if r is not None)]

    @classmethod
    def forwarded(cls) -> tuple[str, ...]:
        """Returns the methods whose signature must stay that of the base."""
        return ("call", "get_config")

    def after_build(self) -> None:
        attach_pending(self)

    def build_from_config(self, config: dict[str, Any]) -> None:
        super().build_from_config(config)  # type: ignore[misc]
        self.built = True  # as Keras does next, also where it has run `call` instead of `build`
        attach_pending(self)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles and copies as Keras does, without naming a class that no module has."""
        reduced: Any = super().__reduce__()
        return self.keras_lottery_base._unpickle_model, reduced[1]

    def refuse(self, what: str, instead: str) -> LotteryError:
        return LotteryError(
            f"Expected a layer without masks for {what}. Received: the masked layer {self.name!r}. "
            f"{instead}"
        )

    def enable_lora(self, *args: Any, **kwargs: Any) -> None:
        raise self.refuse("LoRA", "It would make the pruned weights dense: strip the model first.")


def _records(layer: keras.Layer) -> list[MaskedVariable]:
    holder = holder_of(layer)
    return list(holder) if holder is not None else []


def attach_pending(layer: keras.Layer) -> None:
    """Masks what waited for the layer to be built; what is still not there waits on."""
    from keras_lottery.masking.attach import attach_names, attach_options

    if not layer.built:
        return
    if options := getattr(layer, OPTIONS, None):
        object.__setattr__(layer, OPTIONS, None)
        attach_options(layer, *options)
    if pending := getattr(layer, PENDING, ()):
        object.__setattr__(layer, PENDING, attach_names(layer, list(pending)))


def set_pending(layer: keras.Layer, names: list[tuple[str, str]]) -> keras.Layer:
    """Masks variables of a layer by name as soon as it is built; returns the layer."""
    give_class(layer)
    object.__setattr__(layer, PENDING, names)
    attach_pending(layer)
    return layer


def set_options(
    layer: keras.Layer, options: Any, parametrization: str, keep: float | None = None
) -> None:
    """Masks what `options` choose in a layer as soon as it is built."""
    give_class(layer)
    object.__setattr__(layer, OPTIONS, (options, parametrization, keep))
    attach_pending(layer)


def is_swapped(layer: object) -> bool:
    """Returns True for an object whose class was made here."""
    return isinstance(layer, MaskedLayer)


def give_class(layer: keras.Layer) -> None:
    """Gives a layer or model the made class below its own; does nothing where it has one."""
    if not is_swapped(layer):
        cls: Any = type(layer)
        internals.set_class(layer, _make(cls))


@contextmanager
def as_base(layer: keras.Layer) -> Iterator[None]:
    """Gives a masked object its own class back for a while."""
    made = type(layer)
    internals.set_class(layer, made.keras_lottery_base)
    try:
        yield
    finally:
        internals.set_class(layer, made)


@cache
def _make(base: Any) -> type:
    from keras_lottery.masking.model import MaskedModel

    mixin = MaskedModel if issubclass(base, keras.Model) else MaskedLayer
    body: dict[str, Any] = {
        "__module__": base.__module__,
        "__qualname__": base.__qualname__,
        "__doc__": base.__doc__,
        "keras_lottery_base": base,
    }
    # With the signature of the base's own methods, which Keras reads.
    for name in mixin.forwarded():
        body[name] = _forward(getattr(mixin, name), getattr(base, name))
    if not hasattr(base, "enable_lora"):
        body["enable_lora"] = property(_no_attribute)
    made = type(base)(base.__name__, (mixin, base), body)
    internals.name_class(made, mixin.registered_name)
    return made


def _forward(method: Callable[..., Any], like: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(like)
    def forward(self: Any, *args: Any, **kwargs: Any) -> Any:
        return method(self, *args, **kwargs)

    return forward


def _no_attribute(layer: keras.Layer) -> Any:
    raise AttributeError(f"{type(layer).__name__!r} object has no attribute 'enable_lora'")
