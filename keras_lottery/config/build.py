"""Builds and checks config sections from plain values, and finds fields without effect.

Ours rather than cattrs: it names every problem of a config in one line, with near names. On top of
cattrs, that takes a hook for each type and a translation of its exception groups, which is longer.
"""

import dataclasses
import math
import numbers
import operator
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, ClassVar, NamedTuple, Protocol, TypeVar, cast

from keras_lottery.checks import number
from keras_lottery.config.fields import ReadWhen, plain
from keras_lottery.errors import unknown_name


class Section(Protocol):
    """A frozen dataclass of settings.

    It may have `problems()`, which yields problems of several fields together, and the static
    method `implied(settings)`, which returns values that others imply.
    """

    __dataclass_fields__: ClassVar[dict[str, "dataclasses.Field[Any]"]]


S = TypeVar("S", bound=Section)


def build(cls: type[S], settings: object, where: str, problems: list[str]) -> S | None:
    """Returns the dataclass `cls` built from plain values, or None.

    Args:
        settings: a mapping; missing fields get their defaults.
        where: name of the section, for the messages.
        problems: list to which unknown fields and bad values are added.
    """
    prefix = f"{where}." if where else ""
    if dataclasses.is_dataclass(settings):
        return cast(S, settings)
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
        if isinstance(kind, TypeVar):
            values[key] = value  # a section of a task or a study, which `freeze` has built
        elif dataclasses.is_dataclass(kind):
            fields = _over_default(known[key], value)
            values[key] = build(cast(type[Section], kind), fields, prefix + key, problems)
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


class Unread(NamedTuple):
    """A field that is set and has no effect.

    Args:
        name: with its section, e.g. `data.path`.
        value: its value.
        reason: the reason, a clause that follows "has no effect".
    """

    name: str
    value: object
    reason: str

    def __str__(self) -> str:
        return f"{self.name}: has no effect {self.reason}. Received: {self.value!r}. Leave it out"


def unread(section: Section, where: str = "") -> Iterator[Unread]:
    """Yields each field that differs from its default and has no effect."""
    prefix = f"{where}." if where else ""
    hints = typing.get_type_hints(type(section), include_extras=True)
    for spec in dataclasses.fields(section):
        value = getattr(section, spec.name)
        conditions = [c for c in _constraints(hints[spec.name]) if isinstance(c, ReadWhen)]
        needed = [c for c in conditions if not c.holds(section)]
        default = _default_of(spec)
        if needed and value != default:
            reason = needed[0].reason(section)
            for name, received in _changed(spec.name, value, default):
                yield Unread(f"{prefix}{name}", received, reason)
        elif dataclasses.is_dataclass(value) and not isinstance(value, type) and not needed:
            yield from unread(value, prefix + spec.name)


def _changed(name: str, value: object, default: object) -> Iterator[tuple[str, object]]:
    """Yields names and values that differ; for a section, those of its fields."""
    if not dataclasses.is_dataclass(value):
        yield name, value
        return
    for spec in dataclasses.fields(value):
        inner, other = getattr(value, spec.name), getattr(default, spec.name)
        if inner != other:
            yield from _changed(f"{name}.{spec.name}", inner, other)


def _default_of(spec: "dataclasses.Field[Any]") -> object:
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


def _over_default(spec: "dataclasses.Field[Any]", settings: object) -> object:
    """Returns a section's fields, with a field-specific default for the missing ones."""
    if not isinstance(settings, Mapping) or spec.default_factory is dataclasses.MISSING:
        return settings
    default = spec.default_factory()
    changed = {f.name: getattr(default, f.name) for f in dataclasses.fields(default)}
    general = {f.name: _default_of(f) for f in dataclasses.fields(default)}
    return {k: v for k, v in changed.items() if v != general[k]} | dict(settings)


def _coerce(kind: Any, value: object, where: str, problems: list[str]) -> object:
    """Returns `value` as type `kind`; ints become floats, lists tuples, `a,b` a tuple of texts."""
    before = len(problems)
    coerced = _convert(_bare(kind), value, where, problems)
    if len(problems) == before:
        for constraint in _constraints(kind):
            if not isinstance(constraint, ReadWhen) and (text := constraint.problem(coerced)):
                problems.append(f"{where}: {text}")
                break
    return coerced


def _convert(kind: Any, value: object, where: str, problems: list[str]) -> object:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        inner = next(a for a in arguments if a is not type(None))
        return None if value is None else _coerce(inner, value, where, problems)
    if origin is tuple:
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",")] if value.strip() else []
        items = value if isinstance(value, (list, tuple)) else [value]
        return tuple(_coerce(arguments[0], item, where, problems) for item in items)
    if dataclasses.is_dataclass(kind):
        return build(cast(type[Section], kind), value, where, problems)
    if origin is dict and isinstance(value, Mapping):
        return {
            str(k): _coerce(arguments[1], v, f"{where}.{k}", problems) for k, v in value.items()
        }
    if origin is not dict and (kind is object or _is_a(kind, value)):
        return _as(kind, value)
    expected = f"fields such as {where}.name=value" if origin is dict else kind.__name__
    problems.append(f"{where}: expected {expected}. Received: {value!r}")
    return None


def _is_a(kind: type, value: object) -> bool:
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
    except OverflowError:  # an int too large for a float
        return False


def _as(kind: type, value: Any) -> object:
    if kind is str and isinstance(value, bool):  # a flag's `false`, parsed to a bool
        return str(value).lower()
    if kind is int:
        return operator.index(value)
    if kind is float:
        return number(value, "the value")
    return str(value) if kind is str else value
