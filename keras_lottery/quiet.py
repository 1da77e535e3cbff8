"""Keeps TensorFlow's start-up messages off the terminal.

TensorFlow prints them while it is imported, before it reads `TF_CPP_MIN_LOG_LEVEL`, and Keras
imports TensorFlow with every backend. Everything else that is printed meanwhile is passed on.
"""

import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

_NAME = "tensorflow"
_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
_STDERR = 2
_MESSAGE = re.compile(
    rb"[IWE]\d{4} |WARNING: All log messages before absl|To enable the following instructions"
    rb"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IWE] "
)


def announce() -> None:
    """Makes TensorFlow's import quiet, unless it is imported or TF_CPP_MIN_LOG_LEVEL is 0."""
    if _NAME not in sys.modules and os.environ.setdefault(_LEVEL, "3") != "0":
        sys.meta_path.insert(0, _QuietImport())


class _QuietImport(MetaPathFinder):
    """Finds TensorFlow as Python does, and mutes its messages while it is executed."""

    def __init__(self) -> None:
        self._looking = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _NAME or self._looking:
            return None
        self._looking = True
        try:
            spec = find_spec(fullname)
        finally:
            self._looking = False
        if spec is not None and spec.loader is not None:
            self._mute(spec.loader)
        return spec

    def _mute(self, loader: Any) -> None:
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            with muted():
                execute(module)
            del loader.exec_module
            if self in sys.meta_path:
                sys.meta_path.remove(self)

        loader.exec_module = exec_module


@contextmanager
def muted() -> Iterator[None]:
    """Drops TensorFlow's messages from standard error, and passes on the other lines at the end."""
    try:
        original = os.dup(_STDERR)
    except OSError:  # a process without standard error
        yield
        return
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), _STDERR)
        try:
            yield
        finally:
            os.dup2(original, _STDERR)
            os.close(original)
            file.seek(0)
            for line in file:
                if not _MESSAGE.match(line):
                    os.write(_STDERR, line)
