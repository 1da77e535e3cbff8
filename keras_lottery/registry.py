"""Registries of extensible components: criteria, arms, tasks, exporters, executors."""

import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, is_dataclass
from importlib import import_module
from typing import Any, Generic, TypeVar, cast
from weakref import WeakSet

from keras_lottery import user_modules
from keras_lottery.errors import LotteryError, unknown_name

T = TypeVar("T")


@dataclass(frozen=True)
class Origin:
    """Where a name was registered.

    Args:
        module: the module; for `--import` and plugins the named module, even if one of its
            submodules registers the name.
        file: the file that registers the name.
        built_in: True for a module of this package.
    """

    module: str
    file: str = ""
    built_in: bool = False


class Registry(Generic[T]):
    """Maps names to components; an entry may be a `"module:attribute"` loaded on first use.

    Example:
        >>> datasets: Registry[Loader] = Registry("data set")
        >>> @datasets.register("bars")
        ... def bars(data): ...
        >>> datasets["bars"]
    """

    remedy = "If a module of your own registers it, pass --import=MODULE."

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, T | str] = {}
        self._origins: dict[str, Origin] = {}
        self._says: dict[str, str] = {}
        registries.add(self)

    def register(self, name: str) -> Callable[[T], T]:
        """Returns a decorator that registers its target under `name`."""

        def decorate(entry: T) -> T:
            self._add(name, entry)
            return entry

        return decorate

    def add(self, name: str, entry: T, says: str = "") -> None:
        """Registers `entry` under `name`; `says` describes it in one sentence."""
        self._add(name, entry, says)

    def register_lazily(self, name: str, location: str, says: str = "") -> None:
        """Registers `"package.module:attribute"`, imported on first use of `name`."""
        self._add(name, location, says)

    def describe(self, name: str) -> str:
        """Returns a sentence about an entry: `says`, else the first line of its docstring.

        An entry whose import fails has no description, nor has a record such as a `TaskSchema`,
        whose docstring is that of its class.
        """
        if self._says.get(name):
            return self._says[name]
        try:
            entry = self[name]
        except ImportError:
            return ""
        is_record = is_dataclass(entry) and not isinstance(entry, type)
        return "" if is_record else (inspect.getdoc(entry) or "").partition("\n")[0]

    def _add(self, name: str, entry: T | str, says: str = "") -> None:
        origin = _origin()
        if name in self._entries:
            first = self._origins.get(name, Origin("keras_lottery"))
            raise LotteryError(
                f"Expected a new name for a {self.kind}. Received: {name!r} from {origin.module}, "
                f"which is taken by {first.module}. Choose another name."
            )
        self._entries[name] = entry
        self._origins[name] = origin
        self._says[name] = says

    def registered(self, name: str) -> bool:
        """Returns whether `name` is known without importing plugins."""
        return name in self._entries

    def added(self) -> dict[str, Origin]:
        """Returns the names registered by modules outside this package."""
        return {name: origin for name, origin in self._origins.items() if not origin.built_in}

    def check(self, name: str) -> None:
        """Raises LotteryError if no entry has this name; the error lists near ones."""
        if name not in self:
            raise unknown_name(self.kind, name, self)

    def __getitem__(self, name: str) -> T:
        self.check(name)
        entry = self._entries[name]
        if isinstance(entry, str):
            entry = self._entries[name] = self._loaded(name, entry)
        return entry

    def _loaded(self, name: str, location: str) -> T:
        module, _, attribute = location.partition(":")
        try:
            return cast(T, getattr(import_module(module), attribute))
        except (ImportError, AttributeError) as error:
            if name not in self.added() or isinstance(error, LotteryError):
                raise
            raise LotteryError(
                f"Expected the {self.kind} {name!r} at {location!r}, as "
                f"{self._origins[name].module} registers it. Received: {error}. Correct the "
                "registration."
            ) from error

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        if name not in self._entries:
            user_modules.load_installed()
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        user_modules.load_installed()
        return iter(sorted(self._entries))

    def __len__(self) -> int:
        user_modules.load_installed()
        return len(self._entries)


registries: WeakSet[Registry[Any]] = WeakSet()
"""All registries created so far, by the modules imported so far."""


def _origin() -> Origin:
    """Returns the origin of the registration in progress.

    This is the innermost caller outside this package, unless this package is being imported.
    """
    module = __name__
    for name, file in _callers():
        if name.startswith(("importlib", "_frozen_importlib")):
            break
        if name.partition(".")[0] != __package__:
            return Origin(user_modules.importing() or name, file)
        module = name
    return Origin(module, built_in=True)


def _callers() -> Iterator[tuple[str, str]]:
    """Yields module and file of each stack frame, innermost first."""
    frame = sys._getframe(1).f_back
    while frame is not None:
        yield str(frame.f_globals.get("__name__", "")), frame.f_code.co_filename
        frame = frame.f_back
