"""Preserving the global state of a process across a run."""

import os
import random
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

_VARIABLES = ("KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL", "TF_USE_LEGACY_KERAS")
"""Environment variables that this package sets."""

PATCHES = threading.RLock()
"""Held while attributes of Keras' classes, or of functions, are replaced for a while."""


@contextmanager
def replaced_method(owner: type, name: str, call: Callable[..., Any]) -> Iterator[None]:
    """Replaces a method of a class for the calls of this thread.

    Args:
        owner: the class.
        name: of the method.
        call: called as `(method, self, *args, **kwargs)` instead.
    """
    thread = threading.get_ident()
    with PATCHES:
        method = getattr(owner, name)

        def replaced(self: Any, *args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() != thread:
                return method(self, *args, **kwargs)
            return call(method, self, *args, **kwargs)

        setattr(owner, name, replaced)
        try:
            yield
        finally:
            setattr(owner, name, method)


_Part = tuple[Callable[[], Any], Callable[[Any], None]]


@contextmanager
def preserved() -> Iterator[None]:
    """Restores global state on exit, even after an error.

    It covers Keras' distribution and dtype policy, the random generators of Python, NumPy and
    torch, and the environment variables that this package sets.
    """
    saved = [(restore, read()) for read, restore in _parts()]
    try:
        yield
    finally:
        for restore, value in saved:
            restore(value)


def _parts() -> list[_Part]:
    """Returns functions that read and restore each part."""
    import keras  # the command line imports this before it has chosen a backend

    parts: list[_Part] = [
        (keras.distribution.distribution, keras.distribution.set_distribution),
        (keras.config.dtype_policy, keras.config.set_dtype_policy),
        (random.getstate, random.setstate),
        (np.random.get_state, np.random.set_state),
        (_environment, _set_environment),
    ]
    if torch := sys.modules.get("torch"):
        parts.append((torch.get_rng_state, torch.set_rng_state))
        if torch.cuda.is_initialized():
            parts.append((torch.cuda.get_rng_state_all, torch.cuda.set_rng_state_all))
    return parts


def _environment() -> dict[str, str | None]:
    return {name: os.environ.get(name) for name in _VARIABLES}


def _set_environment(values: dict[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
