"""Modules of the user's own: imported where the user names them, and nowhere else.

A run folder is data. A module that its config.json names is not imported for that reason.
"""

import sys
from importlib import import_module
from types import ModuleType

from keras_lottery.errors import LotteryError

_allowed: set[str] = set()


def allow(*names: str) -> None:
    """Notes modules that the user named, on the command line or in a config of their own."""
    _allowed.update(names)


def is_allowed(name: str) -> bool:
    """Returns whether the user named this module."""
    return name in _allowed


def load(name: str) -> ModuleType:
    """Returns a module that the user named or has imported already.

    Raises:
        LotteryError: neither is so, or importing it fails.
    """
    if name not in _allowed and name in sys.modules:
        return sys.modules[name]
    if name not in _allowed:
        raise LotteryError(
            "Expected a module that you named yourself: what a run folder names is not imported. "
            f"Received: {name!r}. If you trust it, call keras_lottery.user_modules.allow({name!r})."
        )
    try:
        return import_module(name)
    except Exception as error:  # whatever the module raises
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise LotteryError(
            f"Expected a module {name!r} that can be imported. Received: {reason}. Install it, or "
            "add its folder to PYTHONPATH."
        ) from error
