"""What a config field may be, declared in its annotation: a range, known names, when it is read.

    length: Annotated[str, Length(least=1)] = "1000it"
    levels: Annotated[tuple[Share, ...], ReadWhen("schedule", "levels")] = ()

`build` makes a section from plain values and checks them; `unread` finds the fields that are set
and have no effect.
"""

import dataclasses
import math
import numbers
import operator
import types
import typing
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib import import_module
from typing import Annotated, Any, Protocol

from keras_lottery.checks import number
from keras_lottery.duration import Duration
from keras_lottery.errors import LotteryError, unknown_name


class Constraint(Protocol):
    """A restriction on the value of a field, or on the elements of a tuple or a dict."""

    def problem(self, value: Any) -> str:
        """Returns what was expected and received; empty where the value is allowed."""
        ...


@dataclass(frozen=True)
class Range:
    """Numbers of an interval; bounds that are None do not apply.

    Args:
        least: smallest allowed value.
        most: largest allowed value.
        above: values must be larger.
        below: values must be smaller.
        unit: noun that follows in the message, e.g. `steps`.
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
    """What a function accepts that raises LotteryError otherwise.

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
        field: the other field; of several values one has to match.
        patterns: as in `fnmatch`; none: the other field is neither empty, False nor 0.
        unless: patterns under which the field has no effect, where other names may read it.
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


MOST_SEED = 2**31 - 1
Count = Annotated[int, Range(least=0)]
Positive = Annotated[int, Range(least=1)]
Seed = Annotated[int, Range(least=0, most=MOST_SEED)]
AboveZero = Annotated[float, Range(above=0)]
NotNegative = Annotated[float, Range(least=0)]
Share = Annotated[float, Range(least=0, most=1)]
Dropout = Annotated[float, Range(least=0, below=1)]
Pattern = Annotated[str, Filled()]


def build(cls: type, settings: Any, where: str, problems: list[str]) -> Any:
    """Returns the dataclass `cls` made from plain values, or None.

    Args:
        settings: a mapping; the class' defaults hold for what is missing.
        where: name of the section, for the messages.
        problems: unknown fields and bad values are added here.
    """
    prefix = f"{where}." if where else ""
    if dataclasses.is_dataclass(settings):
        return settings
    if not isinstance(settings, Mapping):
        problems.append(f"{where}: expected a section of fields. Received: {settings!r}")
        return None
    before = len(problems)
    hints = typing.get_type_hints(cls, include_extras=True)
    known = {f.name: f for f in dataclasses.fields(cls)}
    values = {}
    for key, value in settings.items():
        if key not in known:
            problems.append(plain(unknown_name("field", f"{prefix}{key}", _named(prefix, known))))
            continue
        kind = _bare(hints[key])
        if dataclasses.is_dataclass(kind):
            given = _over_default(known[key], value)
            values[key] = build(typing.cast(type, kind), given, prefix + key, problems)
        else:
            values[key] = _coerce(hints[key], value, prefix + key, problems)
    required = dataclasses.MISSING
    for name, spec in known.items():
        if name not in values and spec.default is required and spec.default_factory is required:
            problems.append(f"{prefix}{name}: expected a value. Received none")
    if len(problems) > before:
        return None
    values |= getattr(cls, "implied", dict)(values)
    built = cls(**values)
    problems.extend(prefix + text for text in getattr(built, "problems", tuple)())
    return built


def unread(section: Any, where: str = "") -> Iterator[str]:
    """Yields a problem for each field that differs from its default and has no effect."""
    prefix = f"{where}." if where else ""
    hints = typing.get_type_hints(type(section), include_extras=True)
    for spec in dataclasses.fields(section):
        value = getattr(section, spec.name)
        conditions = [c for c in _constraints(hints[spec.name]) if isinstance(c, ReadWhen)]
        needed = [c for c in conditions if not c.holds(section)]
        default = _default_of(spec)
        if needed and value != default:
            why = needed[0].reason(section)
            for name, received in _changed(spec.name, value, default):
                yield (f"{prefix}{name}: has no effect {why}. Received: {received!r}. Leave it out")
        elif dataclasses.is_dataclass(value) and not needed:
            yield from unread(value, prefix + spec.name)


def plain(error: Exception) -> str:
    """Returns the message in the form that is joined to others."""
    text = str(error).rstrip(".")
    return text[0].lower() + text[1:]


def _matches(word: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(word, pattern) for pattern in patterns)


def _changed(name: str, value: Any, default: Any) -> Iterator[tuple[str, Any]]:
    """Yields the names and values of what differs; of a section, its fields."""
    if not dataclasses.is_dataclass(value):
        yield name, value
        return
    for spec in dataclasses.fields(value):
        inner, other = getattr(value, spec.name), getattr(default, spec.name)
        if inner != other:
            yield from _changed(f"{name}.{spec.name}", inner, other)


def _default_of(spec: "dataclasses.Field[Any]") -> Any:
    if spec.default_factory is not dataclasses.MISSING:
        return spec.default_factory()
    return spec.default


def _named(prefix: str, known: Iterable[str]) -> list[str]:
    return [prefix + name for name in known]


def _bare(kind: Any) -> Any:
    """Returns a type without its annotations."""
    return typing.get_args(kind)[0] if typing.get_origin(kind) is Annotated else kind


def _constraints(kind: Any) -> tuple[Any, ...]:
    return typing.get_args(kind)[1:] if typing.get_origin(kind) is Annotated else ()


def _over_default(spec: "dataclasses.Field[Any]", settings: Any) -> Any:
    """Returns a section's fields over those in which its default differs from its class'."""
    if not isinstance(settings, Mapping) or spec.default_factory is dataclasses.MISSING:
        return settings
    default = spec.default_factory()
    own = {f.name: getattr(default, f.name) for f in dataclasses.fields(default)}
    general = {f.name: _default_of(f) for f in dataclasses.fields(default)}
    return {k: v for k, v in own.items() if v != general[k]} | dict(settings)


def _coerce(kind: Any, value: Any, where: str, problems: list[str]) -> Any:
    """Returns `value` as the type `kind`; ints become floats, lists tuples, 1,2 a tuple."""
    before = len(problems)
    coerced = _convert(_bare(kind), value, where, problems)
    if len(problems) == before:
        for constraint in _constraints(kind):
            if not isinstance(constraint, ReadWhen) and (text := constraint.problem(coerced)):
                problems.append(f"{where}: {text}")
                break
    return coerced


def _convert(kind: Any, value: Any, where: str, problems: list[str]) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        wanted = next(a for a in arguments if a is not type(None))
        return None if value is None else _coerce(wanted, value, where, problems)
    if origin is tuple:
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",")] if value.strip() else []
        items = value if isinstance(value, (list, tuple)) else [value]
        return tuple(_coerce(arguments[0], item, where, problems) for item in items)
    if dataclasses.is_dataclass(kind):
        return build(typing.cast(type, kind), value, where, problems)
    if origin is dict and isinstance(value, Mapping):
        return {
            str(k): _coerce(arguments[1], v, f"{where}.{k}", problems) for k, v in value.items()
        }
    if origin is not dict and (kind is Any or _is_a(kind, value)):
        return _as(kind, value)
    wanted = f"fields such as {where}.name=value" if origin is dict else kind.__name__
    problems.append(f"{where}: expected {wanted}. Received: {value!r}")
    return None


def _is_a(kind: type, value: Any) -> bool:
    if isinstance(value, bool) or kind is bool:
        return isinstance(value, bool) and kind in (bool, str)
    if kind is float:
        return isinstance(value, numbers.Real) and _is_finite(value)
    if kind is int:
        return isinstance(value, numbers.Integral)
    return isinstance(value, kind) or (kind is str and isinstance(value, (int, float)))


def _is_finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an int that no float holds
        return False


def _as(kind: Any, value: Any) -> Any:
    if kind is str and isinstance(value, bool):  # a flag's `false`, which is a word here
        return str(value).lower()
    if kind is int:
        return operator.index(value)
    if kind is float:
        return number(value, "the value")
    return str(value) if kind is str else value
