"""The reference of config fields, from the dataclasses of the sections and their docstrings."""

import dataclasses
import typing
from collections.abc import Callable, Iterator
from typing import Annotated, Any, TypeVar

import griffe

import keras_lottery.studies as _studies  # noqa: F401  registers tasks and studies
from keras_lottery.config import Config, Section, study_schemas, task_schemas
from keras_lottery.config.claims import Claim
from keras_lottery.config.fields import Known, Length, OneOf, Range, ReadWhen
from keras_lottery.config.sections import OptimizerConfig
from keras_lottery.registry import Registry

T = TypeVar("T")

GENERAL = ("optimizer", "train", "prune", "rewind", "transfer", "supermask", "edge_popup", "report")
"""Sections that every config has."""

_INTRODUCTION = """# Config fields

Generated from the dataclasses of the config. A config is a Python file with `get_config()`
([an example](../search_for_tickets.md#a-config-of-your-own)); every field can also be set on the
command line, such as `--config.prune.rate=0.3`. Durations are steps (`500it`) or epochs (`2ep`). A
value out of range, an unknown name or a field without effect is an error before anything is
trained. [The run folder](../run_folder.md) lists the fields that may change when a run is resumed.
"""

_LISTS = {"arm": "arms", "criterion": "criteria", "scope": "scopes", "data set": "datasets"}


def general() -> str:
    """Returns the page of the fields that every experiment has."""
    lines = [_INTRODUCTION]
    lines += ["## The experiment", *section(Config)]
    for name in GENERAL:
        lines += [f"## {name}", *section(_type_of(Config, name), f"{name}.")]
    lines += ["## A claim", *section(Claim)]
    return "\n".join(lines)


def of_tasks() -> str:
    """Returns the page of the sections `data` and `model` of each task, and of the studies."""
    lines = ["# Config fields of tasks and studies", ""]
    lines += ["The fields that every experiment has are [on their own page](config.md).", ""]
    for name, schema in _registered(task_schemas):
        lines += [f"## Task `{name}`"]
        for part in ("data", "model"):
            lines += [f"### {name}: {part}", *section(getattr(schema, part), f"{part}.")]
    for name, schema in _registered(study_schemas):
        if dataclasses.fields(schema.options):
            lines += [f"## Study `{name}`", *section(schema.options, "options.")]
    return "\n".join(lines)


PAGES: dict[str, Callable[[], str]] = {
    "reference/config.md": general,
    "reference/config_tasks.md": of_tasks,
}


def section(cls: type[Section], prefix: str = "") -> list[str]:
    """Returns the Markdown of one section: its description, and a table of its fields."""
    head, _, _ = (cls.__doc__ or "").partition("\n\n")
    table = ["| field | default | values | meaning |", "|---|---|---|---|"]
    return ["", " ".join(head.split()), "", *table, *_rows(cls, prefix), ""]


def _rows(cls: type[Section], prefix: str) -> Iterator[str]:
    meanings = described(cls)
    hints = typing.get_type_hints(cls, include_extras=True)
    for field in dataclasses.fields(cls):
        kind, constraints = _parts(hints[field.name])
        if isinstance(kind, TypeVar) or (dataclasses.is_dataclass(kind) and not prefix):
            continue  # it has its own table
        if kind is OptimizerConfig:
            changed = _changes(typing.cast(Any, field.default_factory)())
            yield f"| `{prefix}{field.name}` | {changed} | section | fields as in `optimizer` |"
            continue
        if dataclasses.is_dataclass(kind):
            yield from _rows(typing.cast(type[Section], kind), f"{prefix}{field.name}.")
            continue
        cells = (_default(field), _values(kind, constraints), meanings.get(field.name, ""))
        escaped = " | ".join(cell.replace("|", "\\|") for cell in cells)
        yield f"| `{prefix}{field.name}` | {escaped} |"


def described(cls: type[Section]) -> dict[str, str]:
    """Returns the descriptions of a section's fields from its docstring, by field."""
    parsed = griffe.Docstring(cls.__doc__ or "").parse("google", warnings=False)
    return {
        item.name: " ".join(item.description.split())
        for part in parsed
        if isinstance(part, griffe.DocstringSectionParameters)
        for item in part.value
    }


def _registered(schemas: Registry[T]) -> Iterator[tuple[str, T]]:
    """Yields the package's own entries of a registry by name."""
    for name in sorted(set(schemas) - set(schemas.added())):
        yield name, schemas[name]


def _changes(section: Section) -> str:
    """Returns the fields of a default section that differ from those of its class."""
    fields = dataclasses.fields(section)
    values = {f.name: getattr(section, f.name) for f in fields}
    return ", ".join(f"`{f.name}={values[f.name]}`" for f in fields if values[f.name] != f.default)


def _type_of(cls: type[Section], name: str) -> type[Section]:
    return _parts(typing.get_type_hints(cls, include_extras=True)[name])[0]


def _parts(hint: Any) -> tuple[Any, list[Any]]:
    """Returns a type without its annotations and None, and its constraints."""
    constraints: list[Any] = []
    while True:
        if typing.get_origin(hint) is Annotated:
            hint, *more = typing.get_args(hint)
            constraints += more
        elif type(None) in typing.get_args(hint):
            hint = next(part for part in typing.get_args(hint) if part is not type(None))
        else:
            return hint, constraints


def _default(field: "dataclasses.Field[Any]") -> str:
    value = field.default
    if field.default_factory is not dataclasses.MISSING:
        value = field.default_factory()
    if value is dataclasses.MISSING:
        return "required"
    if value == "":
        return "empty"
    shown = repr(value) if not isinstance(value, str) else value
    return f"`{shown}`" if len(shown) < 60 else "all of them"


def _values(kind: Any, constraints: list[Any]) -> str:
    """Returns the allowed values of a field, and when it is read."""
    parts = [_noun(kind)]
    for constraint in constraints:
        match constraint:
            case OneOf(words):
                parts = [", ".join(f"`{word}`" for word in words)]
            case Known(noun, _):
                listed = _LISTS.get(noun)
                parts = [f"a known {noun}" + (f" (`list {listed}`)" if listed else "")]
            case Length():
                parts = ["duration"]
            case Range():
                parts.append(_range(constraint))
            case ReadWhen() if constraint.patterns or constraint.unless:
                words = ", ".join(f"`{w}`" for w in constraint.unless or constraint.patterns)
                when = "unless" if constraint.unless else "only if"
                parts.append(f"read {when} `{constraint.field}` is {words}")
            case ReadWhen():
                parts.append(f"read only with `{constraint.field}`")
    return "; ".join(part for part in parts if part)


def _noun(kind: Any) -> str:
    inner = [_parts(part) for part in typing.get_args(kind) if part is not ...]
    if typing.get_origin(kind) is tuple:
        return f"list of: {_values(*inner[0])}"
    if typing.get_origin(kind) is dict:
        return f"by name: {_values(*inner[1])}"
    nouns = {bool: "`True`, `False`", int: "whole number", float: "number", str: "text"}
    return nouns.get(kind, getattr(kind, "__name__", str(kind)).lower())


def _range(limits: Range) -> str:
    signs = {"least": "≥", "above": ">", "most": "≤", "below": "<"}
    bounds = {sign: getattr(limits, name) for name, sign in signs.items()}
    return ", ".join(f"{sign} {bound:,}" for sign, bound in bounds.items() if bound is not None)
