"""Names for the things that can be added: criteria, arms, tasks, exporters, executors."""

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Generic, TypeVar, cast

from keras_lottery.errors import LotteryError, unknown_name

T = TypeVar("T")


class Registry(Generic[T]):
    """Maps names to things of one kind; an entry may be a `"module:attribute"` loaded on first use.

    Example:
        >>> criteria: Registry[Criterion] = Registry("criterion")
        >>> @criteria.register("magnitude")
        ... def magnitude(inputs): ...
        >>> criteria["magnitude"]
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, T | str] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Returns a decorator that registers what it decorates under `name`."""

        def add(entry: T) -> T:
            self._add(name, entry)
            return entry

        return add

    def register_lazily(self, name: str, location: str) -> None:
        """Registers `"package.module:attribute"`, imported when `name` is first asked for."""
        self._add(name, location)

    def _add(self, name: str, entry: T | str) -> None:
        if name in self._entries:
            raise LotteryError(
                f"Expected a new name for a {self.kind}. Received: {name!r}, which is taken. "
                "Choose another name."
            )
        self._entries[name] = entry

    def __getitem__(self, name: str) -> T:
        if name not in self:
            raise unknown_name(self.kind, name, self._entries)
        entry = self._entries[name]
        if isinstance(entry, str):
            module, _, attribute = entry.partition(":")
            entry = self._entries[name] = cast(T, getattr(import_module(module), attribute))
        return entry

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._entries))

    def __len__(self) -> int:
        return len(self._entries)
