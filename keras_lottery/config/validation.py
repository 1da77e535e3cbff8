"""From plain values to a validated config and back, and the settings of a config without effect.

A config file's `get_config()` returns an `ml_collections.ConfigDict` with the fields of `Config`;
`freeze` turns it into the dataclasses or reports all of its problems.
"""

import dataclasses
import json
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any

from keras_lottery.config.build import Section, Unread, build, unread
from keras_lottery.config.duration import Duration
from keras_lottery.config.experiment import Config, StudySchema, study_schemas, task_schemas
from keras_lottery.errors import LotteryError

_FROM_THE_START = ("optimizer", "schedule", "data_order", "seeds", "batch_norm")


def freeze(settings: Any, allow_unread: bool = False) -> Config:
    """Returns the validated config for `settings`, a nested mapping or a `ConfigDict`.

    Args:
        settings: values by field name; missing fields get their defaults.
        allow_unread: accept fields without effect, and no arms, as in a config.json written by an
            earlier version.

    Raises:
        LotteryError: fields are unknown or have bad values; one line names them all.
    """
    settings = settings.to_dict() if hasattr(settings, "to_dict") else settings
    if not isinstance(settings, Mapping) or "task" not in settings:
        raise LotteryError("Expected a config with the field `task`. Received none. Add it.")
    settings = dict(settings)
    import_module("keras_lottery.studies")  # registers tasks and studies
    schema = task_schemas[settings["task"]]
    problems: list[str] = []
    study = _study_schema(settings.get("study", "tickets"))
    sections = {"data": schema.data, "model": schema.model, "options": study.options}
    for name, section in sections.items():
        settings[name] = build(section, settings.get(name, {}), name, problems)
    config = build(Config, settings, "", problems)
    if config is not None and not problems and not allow_unread:
        if misses_arms(config):
            problems.append("arms: expected at least one. Received none")
        problems += map(str, unread_fields(config))
    if config is None or problems:
        raise LotteryError("Invalid config: " + "; ".join(problems) + ".")
    return config


def _study_schema(name: str) -> StudySchema:
    import_module("keras_lottery.studies")  # registers the studies
    return study_schemas[name]


def complete_options(study: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a study's options as plain JSON values, with defaults for missing ones.

    Raises:
        LotteryError: the study is unknown, or an option is invalid.
    """
    problems: list[str] = []
    built = build(_study_schema(study).options, options, "options", problems)
    if built is None or problems:
        raise LotteryError("Invalid study options: " + "; ".join(problems) + ".")
    return json_values(built)


def thaw(config: Config) -> dict[str, Any]:
    """Returns `config` as plain nested JSON values; `freeze(thaw(c)) == c`."""
    return json_values(config)


def json_values(section: Section) -> dict[str, Any]:
    """Returns a dataclass of settings as plain nested JSON values."""
    values: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(section)))
    return values


def default_of(config: Config) -> Config:
    """Returns the config of the same task and study with every field at its default."""
    schema, study = task_schemas[config.task], _study_schema(config.study)
    return Config("", "", schema.data(), schema.model(), "", study.options())


def misses_arms(config: Config) -> bool:
    """Returns True if the study reads `arms` and there are none, so that nothing is trained."""
    return not config.arms and "arms" not in _study_schema(config.study).ignores


def unread_fields(config: Config) -> list[Unread]:
    """Returns the fields that are set and have no effect."""
    ignores = _study_schema(config.study).ignores
    reasons = dict.fromkeys(ignores, f"in the study {config.study!r}")
    reasons |= _ineffective(config) | task_schemas[config.task].ignores(config)
    defaults = flatten(thaw(default_of(config)))
    changed = {k: v for k, v in flatten(thaw(config)).items() if v not in (defaults.get(k), [])}
    fields = {field.name: field for field in unread(config)}
    for name, value in changed.items():
        matching = [text for field, text in reasons.items() if is_within(name, (field,))]
        if matching:
            fields.setdefault(name, Unread(name, value, matching[0]))
    return list(fields.values())


def flatten(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Returns `{"a.b": value}` for nested mappings."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def is_within(name: str, fields: Iterable[str]) -> bool:
    """Returns whether the field `name` is in `fields`, or in a section in `fields`."""
    return any(name == section or name.startswith(f"{section}.") for section in fields)


def _ineffective(config: Config) -> dict[str, str]:
    """Returns reasons by field or section, independent of their values.

    Settings that depend on the arms are not included: arms can be added to a run later.
    """
    fields = without_xla(config.backend)
    if not any(Duration.parse(point).count for point in _rewind_points(config)):
        reason = "at rewind.to='0it', where training starts: restored and fresh state are equal"
        fields |= {f"rewind.{name}": reason for name in _FROM_THE_START}
    return fields


def without_xla(backend: str) -> dict[str, str]:
    """Returns the fields without effect on a backend, with reasons; `auto` means any backend."""
    reasons = {
        "jax": "on JAX, which always compiles with XLA",
        "torch": "on torch, which has no XLA",
    }
    return {"train.jit": reasons[backend]} if backend in reasons else {}


def _rewind_points(config: Config) -> Iterable[str]:
    """Returns all points that the config or its study's options rewind to."""
    options = config.options
    variants = getattr(options, "variants", {}).values()
    sections = [v.get("rewind") for v in variants if isinstance(v, Mapping)]
    points = [str(s["to"]) for s in sections if isinstance(s, Mapping) and "to" in s]
    return [*getattr(options, "points", ()), *points, config.rewind.to]
