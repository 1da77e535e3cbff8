"""The classes and functions of a model, by which a copy finds them in this process.

Keras finds only registered ones by name, and a lambda that it copies sees the globals of Keras.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from types import FunctionType
from typing import Any

import keras

from keras_lottery.backend.global_state import PATCHES
from keras_lottery.masking import keras_internals as internals
from keras_lottery.references import references

__all__ = ["live_objects"]

_NUMBERS = count()


@contextmanager
def live_objects(model: keras.Model) -> Iterator[dict[str, Any]]:
    """Yields the custom objects with which a config made inside this context can be loaded.

    Unregistered functions have unique names meanwhile, so that Keras doesn't store their code.
    """
    functions = [part for part in references(model) if _is_unregistered(part)]
    with PATCHES:
        names = [function.__name__ for function in functions]
        for function in functions:
            function.__name__ = f"{function.__name__}_{next(_NUMBERS)}"
        try:
            yield _classes(model) | {function.__name__: function for function in functions}
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


def _classes(model: keras.Model) -> dict[str, type]:
    """Returns the classes in a model that Keras can't find by itself."""
    classes: dict[str, type] = {}
    for layer in internals.flatten_layers(model):
        cls = type(layer)
        while hasattr(cls, "keras_lottery_base"):  # a swapped class; only its base can be imported
            cls = cls.keras_lottery_base
        if not _is_ours(cls):
            classes.setdefault(keras.saving.get_registered_name(cls), cls)
    return classes


def _is_ours(thing: Any) -> bool:
    return thing.__module__.partition(".")[0] in ("keras", "keras_hub", "keras_lottery")
