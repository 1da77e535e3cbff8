"""The settings of one experiment: frozen dataclasses, validated as a whole, and their hash.

A config file's `get_config()` returns an `ml_collections.ConfigDict` with the fields of
`Config`; `freeze` turns it into the dataclasses or says all that is wrong with it.
"""

import dataclasses
import hashlib
import json
import math
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from keras_lottery.claims import Claim
from keras_lottery.errors import LotteryError, unknown_name
from keras_lottery.learned import EdgePopupConfig, SupermaskConfig
from keras_lottery.registry import Registry
from keras_lottery.sections import (
    OptimizerConfig,
    PruneConfig,
    ReportConfig,
    RewindConfig,
    TrainConfig,
    TransferConfig,
)

BACKENDS = ("auto", "tensorflow", "jax", "torch")
DISTRIBUTIONS = ("none", "mirrored", "tpu", "data_parallel")


@dataclass(frozen=True)
class Config:
    """One experiment.

    Args:
        name: short name; the run folder is `<name>-<hash>`.
        task: name of a registered task; it decides the fields of `data` and `model`.
        study: name of a registered study, `tickets` or another; it decides the fields of `options`.
        supermask: how the arms `supermask...` train.
        edge_popup: how the arms `edge_popup...` train.
        seeds: one independent repetition each.
        arms: what is trained at every round besides `dense`.
        draws: fresh draws per ticket of the controls that draw.
        keep_trained: arms whose trained weights stay on disk.
        claims: the papers' claims that this experiment tests, declared before it is run.
    """

    name: str
    task: str
    data: Any
    model: Any
    study: str = "tickets"
    options: Any = None
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    prune: PruneConfig = field(default_factory=PruneConfig)
    rewind: RewindConfig = field(default_factory=RewindConfig)
    transfer: TransferConfig = field(default_factory=TransferConfig)
    supermask: SupermaskConfig = field(default_factory=SupermaskConfig)
    edge_popup: EdgePopupConfig = field(default_factory=EdgePopupConfig)
    report: ReportConfig = field(default_factory=ReportConfig)
    seeds: tuple[int, ...] = (0,)
    arms: tuple[str, ...] = ("winning",)
    draws: int = 1
    keep_trained: tuple[str, ...] = ("dense", "winning")
    claims: tuple[Claim, ...] = ()
    backend: str = "auto"
    distribution: str = "none"
    tpu: str = ""
    executor: str = "sequential"
    out: str = "runs"

    def problems(self) -> Iterable[str]:
        if not self.name or not all(c.isalnum() or c in "-_." for c in self.name):
            yield f"name: expected letters, digits, '-', '_', '.'. Received: {self.name!r}"
        if not self.seeds or len(set(self.seeds)) != len(self.seeds) or min(self.seeds) < 0:
            yield f"seeds: expected different whole numbers from 0. Received: {self.seeds}"
        if self.draws < 1:
            yield f"draws: expected at least 1. Received: {self.draws}"
        for name, known in (("backend", BACKENDS), ("distribution", DISTRIBUTIONS)):
            value = getattr(self, name)
            if value not in known:
                yield f"{name}: expected one of {', '.join(known)}. Received: {value!r}"


@dataclass(frozen=True)
class TaskSchema:
    """The task-specific sections of a config, and where the task itself is made.

    Args:
        data: dataclass of the `data` section.
        model: dataclass of the `model` section.
        make: `"module:function"` of one argument, the Config, that returns the Task.
        backend: the one Keras backend that it runs on; empty: any.
        environment: variables that have to be set before that backend is first imported.
    """

    data: type
    model: type
    make: str
    backend: str = ""
    environment: dict[str, str] = field(default_factory=dict)


task_schemas: Registry[TaskSchema] = Registry("task")


@dataclass(frozen=True)
class StudySchema:
    """What is done with a task: the search for tickets, or an experiment with a loop of its own.

    Args:
        options: dataclass of the config's `options` section.
        run: `"module:function"` of one argument, the Config, that returns the run folder.
        exports: whether the run folder keeps trained networks of winning tickets to export.
    """

    options: type
    run: str
    exports: bool = True


@dataclass(frozen=True)
class NoOptions:
    """The `options` of a study that has none."""


study_schemas: Registry[StudySchema] = Registry("study")
study_schemas.register("tickets")(StudySchema(NoOptions, "keras_lottery.engine:run"))

RESULTS_VERSION = 1
"""Raised with every fix that changes the result of a training: a run folder that was begun with
another version is not continued, since its trainings can't be compared with new ones."""

# What may change between two calls of `run` without changing the result of any training.
_NOT_HASHED = (
    "name", "seeds", "prune.rounds", "prune.arm_rounds", "arms", "draws", "keep_trained", "out",
    "executor", "tpu", "data.dir", "data.download", "transfer.sources", "transfer.arms", "report",
    "claims",
)  # fmt: skip


def freeze(settings: Any) -> Config:
    """Returns the validated config for `settings`, a nested mapping or a `ConfigDict`.

    Raises:
        LotteryError: with one line that names every unknown field and every bad value.
    """
    settings = dict(settings.to_dict() if hasattr(settings, "to_dict") else settings)
    if "task" not in settings:
        raise LotteryError("Expected a config with the field `task`. Received none. Add it.")
    schema = task_schemas[settings["task"]]
    problems: list[str] = []
    study = study_schemas[settings.get("study", "tickets")]
    sections = {"data": schema.data, "model": schema.model, "options": study.options}
    for name, section in sections.items():
        settings[name] = _build(section, settings.get(name) or {}, name, problems)
    config = _build(Config, settings, "", problems)
    if problems:
        raise LotteryError("The config does not fit: " + "; ".join(problems) + ".")
    return typing.cast(Config, config)


def complete_options(study: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a study's options as plain JSON values, with defaults for those that are left out.

    Raises:
        LotteryError: the study is not known, or an option doesn't fit.
    """
    problems: list[str] = []
    built = _build(study_schemas[study].options, options, "options", problems)
    if problems:
        raise LotteryError("The options of the study do not fit: " + "; ".join(problems) + ".")
    completed: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(built)))
    return completed


def thaw(config: Config) -> dict[str, Any]:
    """Returns `config` as plain nested JSON values; `freeze(thaw(c)) == c`."""
    thawed: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(config)))
    return thawed


def digest(config: Config) -> str:
    """Returns 8 hex digits over everything that changes a training's result.

    A field at its default is left out, so that a field which is added later changes no hash.
    """
    defaults = flatten(thaw(_default(config)))
    flat = {
        k: v
        for k, v in flatten(thaw(config)).items()
        if _is_hashed(k) and (k not in defaults or defaults[k] != v)
    }
    return hashlib.sha256(json.dumps(flat, sort_keys=True).encode()).hexdigest()[:8]


def _default(config: Config) -> Config:
    """Returns the config of the same task and study with every field at its default."""
    schema, study = task_schemas[config.task], study_schemas[config.study]
    return Config("", "", schema.data(), schema.model(), "", study.options())


def flatten(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Returns `{"a.b": value}` for nested mappings."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def differences(one: Config, other: Config) -> list[str]:
    """Returns the hashed fields in which two configs differ."""
    a, b = flatten(thaw(one)), flatten(thaw(other))
    return sorted(k for k in a.keys() | b.keys() if a.get(k) != b.get(k) and _is_hashed(k))


def _is_hashed(name: str) -> bool:
    """Returns False for what only extends a run, and for what says where things lie."""
    return not any(name == one or name.startswith(f"{one}.") for one in _NOT_HASHED)


def _build(cls: type, settings: Any, where: str, problems: list[str]) -> Any:
    """Builds the dataclass `cls`, adding what does not fit to `problems`."""
    prefix = f"{where}." if where else ""
    if dataclasses.is_dataclass(settings):
        return settings
    if not isinstance(settings, Mapping):
        problems.append(f"{where}: expected a section of fields. Received: {settings!r}")
        return None
    before = len(problems)
    hints = typing.get_type_hints(cls)
    known = {f.name: f for f in dataclasses.fields(cls)}
    values = {}
    for key, value in settings.items():
        if key not in known:
            problems.append(str(unknown_name("field", prefix + key, [prefix + k for k in known])))
            continue
        kind = hints[key]
        if dataclasses.is_dataclass(kind):
            given = _over_default(known[key], value)
            values[key] = _build(typing.cast(type, kind), given, prefix + key, problems)
        else:
            values[key] = _coerce(kind, value, prefix + key, problems)
    required = dataclasses.MISSING
    for name, spec in known.items():
        if name not in values and spec.default is required and spec.default_factory is required:
            problems.append(f"{prefix}{name}: expected a value. Received none")
    if len(problems) > before:
        return None
    built = cls(**values)
    problems.extend(prefix + text for text in getattr(built, "problems", tuple)())
    return built


def _over_default(spec: "dataclasses.Field[Any]", settings: Any) -> Any:
    """Returns a section's fields over those of its own default, which need not be its class'."""
    if not isinstance(settings, Mapping) or spec.default_factory is dataclasses.MISSING:
        return settings
    return {**vars(spec.default_factory()), **settings}


def _coerce(kind: Any, value: Any, where: str, problems: list[str]) -> Any:
    """Returns `value` as the type `kind`; ints become floats, lists tuples, 1,2 a tuple."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        wanted = next(a for a in arguments if a is not type(None))
        return None if value is None else _coerce(wanted, value, where, problems)
    if origin is tuple:
        if isinstance(value, str):
            value = [part for part in value.split(",") if part]
        items = value if isinstance(value, (list, tuple)) else [value]
        make = _build if dataclasses.is_dataclass(arguments[0]) else _coerce
        return tuple(make(arguments[0], item, where, problems) for item in items)
    if origin is dict and isinstance(value, Mapping):
        return {str(k): _coerce(arguments[1], v, where, problems) for k, v in value.items()}
    if kind is str and isinstance(value, bool):  # a flag's `false`, which is a word here
        value = str(value).lower()
    if kind is Any or (isinstance(kind, type) and _is_a(kind, value)):
        return kind(value) if kind in (float, str) else value
    wanted = f"fields such as {where}.name=value" if origin is dict else kind.__name__
    problems.append(f"{where}: expected {wanted}. Received: {value!r}")
    return None


def _is_a(kind: type, value: Any) -> bool:
    if isinstance(value, bool) or kind is bool:
        return isinstance(value, bool) and kind is bool
    if kind is float:
        return isinstance(value, (int, float)) and math.isfinite(value)
    return isinstance(value, kind) or (kind is str and isinstance(value, (int, float)))
