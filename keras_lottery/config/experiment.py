"""The settings of one experiment: frozen dataclasses, validated as a whole, and their hash.

A config file's `get_config()` returns an `ml_collections.ConfigDict` with the fields of
`Config`; `freeze` turns it into the dataclasses or reports all of its problems.
"""

import dataclasses
import json
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Annotated, Any

from keras_lottery.config.build import Unread, build, unread
from keras_lottery.config.claims import Claim
from keras_lottery.config.duration import Duration
from keras_lottery.config.effects import ineffective
from keras_lottery.config.fields import Distinct, Filled, OneOf, Positive, ReadWhen, Seed, Slug
from keras_lottery.config.learned import EdgePopupConfig, SupermaskConfig
from keras_lottery.config.sections import (
    ArmName,
    OptimizerConfig,
    PruneConfig,
    ReportConfig,
    RewindConfig,
    TrainConfig,
    TransferConfig,
)
from keras_lottery.errors import LotteryError
from keras_lottery.registry import Registry

BACKENDS = ("auto", "tensorflow", "jax", "torch")
DISTRIBUTIONS = ("none", "mirrored", "tpu", "data_parallel")


class ReadWhenDrawn(ReadWhen):
    """The field has an effect only with a stochastic arm."""

    def __init__(self) -> None:
        super().__init__("arms")

    def holds(self, section: Any) -> bool:
        known = import_module("keras_lottery.arms").arms
        return any(known[name].stochastic for name in (*section.arms, *section.transfer.arms))

    def reason(self, section: object) -> str:
        return "unless an arm is stochastic, such as 'reinit'"


@dataclass(frozen=True)
class Config:
    """One experiment.

    Args:
        name: short name; the run folder is `<name>-<hash>`.
        task: name of a registered task; it defines the fields of `data` and `model`.
        study: name of a registered study, e.g. `tickets`; it defines the fields of `options`.
        supermask: settings of the arms `supermask...`.
        edge_popup: settings of the arms `edge_popup...`.
        seeds: one independent repetition each.
        arms: networks trained in every round besides `dense`.
        draws: draws per ticket of stochastic arms.
        keep_trained: arms whose trained weights stay on disk.
        claims: the papers' claims that this experiment tests, declared before it is run.
        executor: `sequential`, `processes`, or `auto`, which chooses one.
        workers: parallel trainings; None: as many as cores and memory allow.
        threads: threads of each training, fixed when a run starts; None: one for parallel
            trainings, else all cores.
    """

    name: Annotated[str, Slug()]
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
    supermask: Annotated[SupermaskConfig, ReadWhen("arms", "supermask*")] = field(
        default_factory=SupermaskConfig
    )
    edge_popup: Annotated[EdgePopupConfig, ReadWhen("arms", "edge_popup*")] = field(
        default_factory=EdgePopupConfig
    )
    report: ReportConfig = field(default_factory=ReportConfig)
    seeds: Annotated[tuple[Seed, ...], Distinct(least=1)] = (0,)
    arms: Annotated[tuple[ArmName, ...], Distinct()] = ("winning",)
    draws: Annotated[Positive, ReadWhenDrawn()] = 1
    keep_trained: Annotated[tuple[ArmName, ...], Distinct()] = ("dense", "winning")
    claims: tuple[Claim, ...] = ()
    backend: Annotated[str, OneOf(BACKENDS)] = "auto"
    distribution: Annotated[str, OneOf(DISTRIBUTIONS)] = "none"
    tpu: Annotated[str, ReadWhen("distribution", "tpu")] = ""
    executor: Annotated[str, Filled()] = "auto"
    workers: Annotated[Positive | None, ReadWhen("executor", "auto", "processes")] = None
    threads: Positive | None = None
    out: Annotated[str, Filled()] = "runs"

    def problems(self) -> Iterable[str]:
        end, point = Duration.parse(self.train.length), Duration.parse(self.rewind.to)
        if end.unit == point.unit and point.count >= end.count:
            yield (
                f"rewind.to: expected a point before the end of the training at {end}. "
                f"Received: {point}"
            )


@dataclass(frozen=True)
class TaskSchema:
    """The task-specific sections of a config, and the function that makes the task.

    Args:
        data: dataclass of the `data` section.
        model: dataclass of the `model` section.
        make: `"module:function"` that takes the Config and returns the Task.
        backend: the only Keras backend that it runs on; empty: any.
        environment: environment variables to set before that backend is imported.
        ignores: returns fields of other sections that the task does not read, with reasons.
    """

    data: type
    model: type
    make: str
    backend: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    ignores: Callable[[Config], dict[str, str]] = lambda config: {}


task_schemas: Registry[TaskSchema] = Registry("task")


@dataclass(frozen=True)
class StudySchema:
    """A study: the search for tickets, or an experiment with its own training loop.

    Args:
        options: dataclass of the config's `options` section.
        run: `"module:function"` that takes the Config and returns the run folder.
        ignores: fields and sections that it does not read; they must stay at their defaults.
        exports: whether the run folder has trained networks of winning tickets to export.
        page: `"module:attribute"` of its `report.pages.StudyPage`.
    """

    options: type
    run: str
    ignores: tuple[str, ...] = ()
    exports: bool = True
    page: str = ""


@dataclass(frozen=True)
class NoOptions:
    """The `options` of a study without options."""


study_schemas: Registry[StudySchema] = Registry("study")
study_schemas.register("tickets")(StudySchema(NoOptions, "keras_lottery.engine:run"))


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
    schema = task_schemas[settings["task"]]
    problems: list[str] = []
    study = _study_schema(settings.get("study", "tickets"))
    sections = {"data": schema.data, "model": schema.model, "options": study.options}
    for name, section in sections.items():
        settings[name] = build(section, settings.get(name, {}), name, problems)
    config = build(Config, settings, "", problems)
    if not problems and not allow_unread:
        if misses_arms(config):
            problems.append("arms: expected at least one. Received none")
        problems += map(str, unread_fields(config))
    if problems:
        raise LotteryError("Invalid config: " + "; ".join(problems) + ".")
    return typing.cast(Config, config)


def _study_schema(name: Any) -> StudySchema:
    import_module("keras_lottery.studies")  # registers the studies
    return study_schemas[name]


def complete_options(study: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a study's options as plain JSON values, with defaults for missing ones.

    Raises:
        LotteryError: the study is unknown, or an option is invalid.
    """
    problems: list[str] = []
    built = build(_study_schema(study).options, options, "options", problems)
    if problems:
        raise LotteryError("Invalid study options: " + "; ".join(problems) + ".")
    return json_values(built)


def thaw(config: Config) -> dict[str, Any]:
    """Returns `config` as plain nested JSON values; `freeze(thaw(c)) == c`."""
    return json_values(config)


def json_values(section: Any) -> dict[str, Any]:
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
    reasons |= ineffective(config) | task_schemas[config.task].ignores(config)
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
