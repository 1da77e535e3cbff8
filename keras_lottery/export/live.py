"""What a live model refers to: its parts, their classes, and functions."""

from collections.abc import Iterable, Mapping
from types import FunctionType
from typing import Any


def references(model: Any) -> list[Any]:
    """Returns every Keras object, class and function that is reached from the attributes of one.

    Args:
        model: a model, layer, or whatever else has a `get_config`.
    """
    seen: dict[int, Any] = {}
    waiting = [model]
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen[id(thing)] = thing
        waiting.extend(_elements(thing))
        if _is_part(thing):
            waiting.extend([type(thing), *_attributes(thing)])
    return [t for t in seen.values() if isinstance(t, (type, FunctionType)) or _is_part(t)]


def has_code(part: Any) -> bool:
    """Returns True for a part that Keras saves as code: with a lambda, or of another library."""
    import keras

    wrappers = (keras.layers.TorchModuleWrapper, keras.layers.TFSMLayer)
    values = [part, *_attributes(part)] if _is_part(part) else []
    held = [*values, *(element for value in values for element in _elements(value))]
    return isinstance(part, wrappers) or any(
        isinstance(value, FunctionType) and value.__name__ == "<lambda>" for value in held
    )


def _is_part(thing: Any) -> bool:
    return hasattr(type(thing), "get_config")


def _attributes(thing: Any) -> list[Any]:
    return list(getattr(thing, "__dict__", {}).values())


def _elements(thing: Any) -> Iterable[Any]:
    if isinstance(thing, Mapping):
        return list(thing.values())
    return list(thing) if isinstance(thing, (list, tuple, set, frozenset)) else []
