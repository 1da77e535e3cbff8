"""Composite layers and subclassed models with smaller layers inside, and how files name them.

The constructor of such a class can't express the sizes inside. The object gets a class made on
the fly below its own, whose config also holds the smaller layers.
"""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import keras

from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking.paths import layer_paths

__all__ = ["CompactedLayer", "give_class"]

CONFIG_KEY = "keras_lottery_compacted"
PENDING = internals.hidden_name("resized")
NAME = "keras_lottery>CompactedLayer"


@keras.saving.register_keras_serializable("keras_lottery", "CompactedLayer")
class CompactedLayer(internals.BuildHook):
    """What a layer with smaller layers inside does differently from its own class."""

    keras_lottery_base: type[keras.Layer]
    built: bool

    def get_config(self) -> dict[str, Any]:
        made = type(self)
        internals.set_class(self, made.keras_lottery_base)
        try:
            config = dict(self.get_config())
        finally:
            internals.set_class(self, made)
        entry = internals.class_entry(self.keras_lottery_base)
        inner = dict(getattr(self, PENDING))
        found = dict(layer_paths(self))
        if self.built:
            inner = {path: keras.saving.serialize_keras_object(found[path]) for path in inner}
        config[CONFIG_KEY] = {**entry, "layers": inner}
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], **kwargs: Any) -> keras.Layer:
        """Rebuilds the object; its layers shrink as soon as it is built."""
        config = dict(config)
        entry = dict(config.pop(CONFIG_KEY))
        inner = entry.pop("layers")
        layer = keras.saving.deserialize_keras_object({**entry, "config": config})
        give_class(layer, inner)
        if layer.built:
            _shrink(layer)
        return layer

    def after_build(self) -> None:
        _shrink(self)

    def build_from_config(self, config: dict[str, Any]) -> None:
        super().build_from_config(config)  # type: ignore[misc]
        self.built = True
        _shrink(self)

    def __reduce__(self) -> tuple[Any, ...]:
        reduced: Any = super().__reduce__()
        return self.keras_lottery_base._unpickle_model, reduced[1]


def give_class(layer: keras.Layer, inner: dict[str, Any]) -> None:
    """Makes the config of a layer hold smaller layers.

    Args:
        layer: a composite layer or subclassed model.
        inner: path below it -> config of the smaller layer, or None where it is there already.
    """
    cls: Any = type(layer)
    internals.set_class(layer, _make(cls))
    object.__setattr__(layer, PENDING, inner)


def _shrink(layer: Any) -> None:
    pending = getattr(layer, PENDING, {})
    found = dict(layer_paths(layer))
    for path, config in pending.items():
        if config is not None:
            internals.transplant(found[path], keras.saving.deserialize_keras_object(config))
    object.__setattr__(layer, PENDING, dict.fromkeys(pending))
    internals.retrack(layer)


@cache
def _make(original: Any) -> type:
    body: dict[str, Any] = {
        "__module__": original.__module__,
        "__qualname__": original.__qualname__,
        "__doc__": original.__doc__,
        "keras_lottery_base": original,
        # With the signature of the original's own method, which Keras reads.
        "get_config": _forward(CompactedLayer.get_config, original.get_config),
    }
    made = type(original)(original.__name__, (CompactedLayer, original), body)
    internals.name_class(made, NAME)
    return made


def _forward(method: Callable[..., Any], like: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(like)
    def forward(self: Any) -> Any:
        return method(self)

    return forward
