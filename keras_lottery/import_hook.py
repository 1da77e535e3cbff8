"""Runs code around the first import of another package."""

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any


def around_import(name: str, context: Callable[[], AbstractContextManager[None]]) -> None:
    """Executes a package, when it is first imported, inside a context."""
    sys.meta_path.insert(0, _Finder(name, context))


class _Finder(MetaPathFinder):
    """Finds a package as Python does, and executes it inside a context."""

    def __init__(self, name: str, context: Callable[[], AbstractContextManager[None]]) -> None:
        self._name, self._context = name, context
        self._looking = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._name or self._looking:
            return None
        self._looking = True
        try:
            spec = find_spec(fullname)
        finally:
            self._looking = False
        if spec is not None and spec.loader is not None:
            self._wrap(spec.loader)
        return spec

    def _wrap(self, loader: Any) -> None:
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            with self._context():
                execute(module)
            del loader.exec_module
            if self in sys.meta_path:
                sys.meta_path.remove(self)

        loader.exec_module = exec_module
