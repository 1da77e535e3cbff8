"""Runs code around the first import of another package, and delays imports until first use."""

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader, find_spec
from types import ModuleType
from typing import Any


def around_import(name: str, context: Callable[[], AbstractContextManager[None]]) -> None:
    """Executes a package, when it is first imported, inside a context."""
    sys.meta_path.insert(0, _Finder(name, context))


def on_first_use(names: frozenset[str]) -> bool:
    """Executes modules when one of their attributes is first read, instead of when imported.

    Returns:
        False if an earlier call named the same modules.
    """
    if (finder := _LazyFinder(names)) in sys.meta_path:
        return False
    sys.meta_path.insert(0, finder)
    return True


@dataclass(frozen=True)
class _LazyFinder(MetaPathFinder):
    """Finds some modules as Python does, and delays their execution."""

    names: frozenset[str]

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self.names:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = LazyLoader(spec.loader)
        return spec


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
            vars(loader).pop("exec_module", None)  # with it, those of other finders
            if self in sys.meta_path:
                sys.meta_path.remove(self)

        loader.exec_module = exec_module
