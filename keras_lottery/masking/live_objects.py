"""The classes and functions of a model, by which a copy finds them in this process.

Keras finds only registered ones by name, and a lambda that it copies sees the globals of Keras.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from types import FunctionType
from typing import Any

import keras

from keras_lottery.backend.global_state import PATCHES
from keras_lottery.references import references

__all__ = ["live_objects"]

_NUMBERS = count()


@contextmanager
def live_objects(model: keras.Model) -> Iterator[dict[str, Any]]:
    """Yields the custom objects with which a config made inside this context can be loaded.

    Unregistered functions have unique names meanwhile, so that Keras doesn't store their code.
    """
    found = references(model)
    functions = [part for part in found if _is_unregistered(part)]
    with PATCHES:
        names = [function.__name__ for function in functions]
        for function in functions:
            function.__name__ = f"{function.__name__}_{next(_NUMBERS)}"
        try:
            yield _classes(found) | {function.__name__: function for function in functions}
        finally:
            for function, name in zip(functions, names):
                function.__name__ = name


def _is_unregistered(part: Any) -> bool:
    """Returns whether this is a function that Keras can't find by its name."""
    return (
        isinstance(part, FunctionType)
        and not hasattr(part, "__wrapped__")  # Keras wraps methods of layers
        and not _is_ours(part)
        and keras.saving.get_registered_name(part) == part.__name__
    )


def _classes(found: Iterable[Any]) -> dict[str, type]:
    """Returns the classes of layers, regularizers and the like that Keras can't find by itself."""
    bases = [_importable(thing) for thing in found if isinstance(thing, type)]
    return {keras.saving.get_registered_name(cls): cls for cls in bases if not _is_ours(cls)}


def _importable(cls: Any) -> Any:
    """Returns the class that a swapped one stands for: only that can be imported."""
    while hasattr(cls, "keras_lottery_base"):
        cls = cls.keras_lottery_base
    return cls


def _is_ours(thing: Any) -> bool:
    return thing.__module__.partition(".")[0] in ("keras", "keras_hub", "keras_lottery")
