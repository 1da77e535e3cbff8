"""The Keras objects, classes and functions that a model refers to."""

from collections.abc import Iterable, Mapping
from types import FunctionType
from typing import Any


def references(model: Any) -> list[Any]:
    """Returns all Keras objects, classes and functions reachable through an object's attributes.

    Args:
        model: a model, layer or other object with `get_config`.
    """
    seen: dict[int, Any] = {}
    waiting = [model]
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen[id(thing)] = thing
        waiting.extend(elements(thing))
        if is_part(thing):
            waiting.extend([type(thing), *attributes(thing)])
    return [t for t in seen.values() if isinstance(t, (type, FunctionType)) or is_part(t)]


def is_part(thing: Any) -> bool:
    """Returns whether an object has a config, as layers and their parts have."""
    return hasattr(type(thing), "get_config")


def attributes(thing: Any) -> list[Any]:
    """Returns the values of an object's own attributes."""
    return list(getattr(thing, "__dict__", {}).values())


def elements(thing: Any) -> Iterable[Any]:
    """Returns what a container holds."""
    if isinstance(thing, Mapping):
        return list(thing.values())
    return list(thing) if isinstance(thing, (list, tuple, set, frozenset)) else []
