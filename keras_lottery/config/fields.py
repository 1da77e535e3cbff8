"""Constraints on config fields, declared in their annotations: ranges, known names, conditions.

    length: Annotated[str, Length(least=1)] = "1000it"
    levels: Annotated[tuple[Share, ...], ReadWhen("schedule", "levels")] = ()

`build.build` builds a section from plain values and checks them.
"""

import typing
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib import import_module
from typing import Annotated, Any, Protocol

from keras_lottery.checks import MOST_SEED
from keras_lottery.config.duration import Duration
from keras_lottery.errors import LotteryError, unknown_name


class Constraint(Protocol):
    """A restriction on the value of a field, or on the elements of a tuple or a dict."""

    def problem(self, value: Any) -> str:
        """Returns what was expected and received; empty if the value is allowed."""
        ...


@dataclass(frozen=True)
class Range:
    """Numbers of an interval; bounds that are None do not apply.

    Args:
        least: smallest allowed value.
        most: largest allowed value.
        above: values must be larger.
        below: values must be smaller.
        unit: noun for the message, e.g. `steps`.
    """

    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None
    unit: str = ""

    def problem(self, value: float) -> str:
        if (
            (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        ):
            return ""
        bounds = {"least": "at least", "above": "above", "most": "at most", "below": "below"}
        limits = [f"{w} {getattr(self, b)}" for b, w in bounds.items() if self._has(b)]
        unit = f" {self.unit}" if self.unit else ""
        number = "" if limits[0].startswith("at") else "a number "
        return f"expected {number}{' and '.join(limits)}{unit}. Received: {value!r}"

    def _has(self, bound: str) -> bool:
        return getattr(self, bound) is not None


@dataclass(frozen=True)
class OneOf:
    """A few fixed words."""

    words: tuple[str, ...]

    def problem(self, value: str) -> str:
        if value in self.words:
            return ""
        return f"expected one of {', '.join(self.words)}. Received: {value!r}"


@dataclass(frozen=True)
class Known:
    """Names of a registry, or of any other collection.

    Args:
        kind: noun for the message, e.g. `data set`.
        names: the collection, or its `"module:attribute"`, imported when a value is checked.
    """

    kind: str
    names: Collection[str] | str

    def problem(self, value: str) -> str:
        names = self.names
        if isinstance(names, str):
            module, _, attribute = names.partition(":")
            names = typing.cast(Collection[str], getattr(import_module(module), attribute))
        return "" if value in names else plain(unknown_name(self.kind, value, names))


@dataclass(frozen=True)
class Checked:
    """Values that a function accepts without raising LotteryError.

    Args:
        function: its `"module:attribute"`, imported when a value is checked.
    """

    function: str

    def problem(self, value: Any) -> str:
        module, _, attribute = self.function.partition(":")
        try:
            getattr(import_module(module), attribute)(value)
        except LotteryError as error:
            return plain(error)
        return ""


@dataclass(frozen=True)
class Length:
    """Durations such as `500it` or `2ep`, of at least `least` steps or epochs."""

    least: int = 0

    def problem(self, value: str) -> str:
        try:
            count = Duration.parse(value).count
        except LotteryError as error:
            return plain(error)
        if count < self.least:
            return f"expected at least {self.least} step or epoch. Received: {value!r}"
        return ""


@dataclass(frozen=True)
class Slug:
    """Names that can be part of a file name."""

    marks: str = "-_."

    def problem(self, value: str) -> str:
        allowed = all(c.isascii() and (c.isalnum() or c in self.marks) for c in value)
        if value.strip(".") and allowed:
            return ""
        marks = ", ".join(map(repr, self.marks))
        return f"expected letters, digits, {marks}. Received: {value!r}"


@dataclass(frozen=True)
class Filled:
    """Text or lists that are not empty."""

    def problem(self, value: Any) -> str:
        return "" if value else f"expected a value. Received: {value!r}"


@dataclass(frozen=True)
class Distinct:
    """Lists without repetition, of at least `least` elements."""

    least: int = 0

    def problem(self, value: Collection[Any]) -> str:
        if len(set(value)) == len(value) >= self.least:
            return ""
        few = f"{self.least} or more " if self.least else ""
        return f"expected {few}different values. Received: {value}"


@dataclass(frozen=True)
class ReadWhen:
    """The field has an effect only while another field of the section matches a pattern.

    Args:
        field: the other field; if it has several values, one must match.
        patterns: `fnmatch` patterns; none: the other field must not be empty, False or 0.
        unless: instead of `patterns`, those for which the field has no effect.
    """

    field: str
    patterns: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()

    def __init__(self, field: str, *patterns: str, unless: tuple[str, ...] = ()) -> None:
        object.__setattr__(self, "field", field)
        object.__setattr__(self, "patterns", patterns)
        object.__setattr__(self, "unless", unless)

    def holds(self, section: object) -> bool:
        """Returns whether the field has an effect in this section."""
        value = getattr(section, self.field)
        values = value if isinstance(value, tuple) else (value,)
        words = [str(v).lower() for v in values]
        if self.unless:
            return any(not _matches(word, self.unless) for word in words)
        if self.patterns:
            return any(_matches(word, self.patterns) for word in words)
        return bool(value)

    def reason(self, section: object) -> str:
        """Returns why the field has no effect in this section."""
        if self.patterns and not self.unless:
            return f"unless {self.field} is {' or '.join(map(repr, self.patterns))}"
        value = getattr(section, self.field)
        return f"while {self.field} is {value!r}"


Count = Annotated[int, Range(least=0)]
Positive = Annotated[int, Range(least=1)]
Seed = Annotated[int, Range(least=0, most=MOST_SEED)]
AboveZero = Annotated[float, Range(above=0)]
NotNegative = Annotated[float, Range(least=0)]
Share = Annotated[float, Range(least=0, most=1)]
Dropout = Annotated[float, Range(least=0, below=1)]
Pattern = Annotated[str, Filled()]


def plain(error: Exception) -> str:
    """Returns the message as a clause that can be joined to others."""
    text = str(error).rstrip(".")
    return text[0].lower() + text[1:]


def _matches(word: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(word, pattern) for pattern in patterns)
