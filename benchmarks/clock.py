"""Where the time of a run goes: each named call's own seconds, without those of calls inside it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any


class Clock:
    """Adds up the seconds of named calls."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._stack: list[str] = []
        self._since = time.perf_counter()

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Counts the time inside as `name`, and excludes it from the enclosing name."""
        self._switch()
        self._stack.append(name)
        try:
            yield
        finally:
            self._switch()
            self._stack.pop()

    @contextmanager
    def watching(self, places: dict[str, list[tuple[Any, str]]]) -> Iterator[None]:
        """Times functions for as long as the context lasts.

        Args:
            places: `{name: [(class or module, attribute), ...]}`.
        """
        originals = []
        for name, functions in places.items():
            for owner, attribute in functions:
                function = getattr(owner, attribute)
                originals.append((owner, attribute, function))
                setattr(owner, attribute, self._wrapped(name, function))
        try:
            yield
        finally:
            for owner, attribute, function in originals:
                setattr(owner, attribute, function)

    def _wrapped(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with self.timed(name):
                return function(*args, **kwargs)

        return call

    def _switch(self) -> None:
        """Adds the time since the last switch to the innermost name."""
        now = time.perf_counter()
        name = self._stack[-1] if self._stack else ""
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self._since
        self._since = now
