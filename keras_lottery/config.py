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

from keras_lottery.duration import Duration
from keras_lottery.errors import LotteryError, unknown_name
from keras_lottery.registry import Registry

BACKENDS = ("auto", "tensorflow", "jax", "torch")
DISTRIBUTIONS = ("none", "mirrored", "tpu", "data_parallel")


@dataclass(frozen=True)
class OptimizerConfig:
    """A Keras optimizer and its learning-rate schedule; None leaves Keras' own default.

    Args:
        name: Keras name, e.g. `adam`, `sgd`, `adamw`.
        learning_rate: peak learning rate.
        schedule: `constant`, `piecewise`, `cosine`, `linear` or `inverse_sqrt`.
        boundaries: `piecewise`: where the rate drops, as durations (`80ep`, `20000it`).
        factor: `piecewise`: what the rate is multiplied by at each boundary.
        warmup: linear warm-up from 0, as a duration.
    """

    name: str = "adam"
    learning_rate: float = 1e-3
    schedule: str = "constant"
    boundaries: tuple[str, ...] = ()
    factor: float = 0.1
    warmup: str = "0it"
    momentum: float | None = None
    nesterov: bool | None = None
    beta_1: float | None = None
    beta_2: float | None = None
    epsilon: float | None = None
    rho: float | None = None
    weight_decay: float | None = None
    clipnorm: float | None = None
    global_clipnorm: float | None = None

    def problems(self) -> Iterable[str]:
        schedules = ("constant", "piecewise", "cosine", "linear", "inverse_sqrt")
        if self.schedule not in schedules:
            yield f"schedule: expected one of {', '.join(schedules)}. Received: {self.schedule!r}"
        if not self.learning_rate > 0:
            yield f"learning_rate: expected a number above 0. Received: {self.learning_rate}"
        for name, text in [("warmup", self.warmup), *(("boundaries", b) for b in self.boundaries)]:
            yield from _duration_problems(name, text)


@dataclass(frozen=True)
class TrainConfig:
    """How long a network trains and when it is measured.

    Args:
        length: length of a whole training, as a duration.
        batch_size: examples a step, over all devices.
        eval_every: steps between evaluations on the validation set; 0: once an epoch.
        value: `final` (metric at the end) or `best` (at the minimum of the validation loss).
        drop_remainder: leave out an epoch's last, smaller batch (each epoch is shuffled anew).
        dtype_policy: Keras dtype policy, e.g. `float32` or `mixed_bfloat16`.
        jit: `auto`, `true` or `false`: compile with XLA.
    """

    length: str = "1000it"
    batch_size: int = 60
    eval_every: int = 100
    value: str = "final"
    drop_remainder: bool = True
    dtype_policy: str = "float32"
    jit: str = "auto"

    def problems(self) -> Iterable[str]:
        yield from _duration_problems("length", self.length)
        if self.batch_size < 1:
            yield f"batch_size: expected at least 1. Received: {self.batch_size}"
        if self.eval_every < 0:
            yield f"eval_every: expected 0 or more steps. Received: {self.eval_every}"
        if self.value not in ("final", "best"):
            yield f"value: expected 'final' or 'best'. Received: {self.value!r}"
        if self.jit not in ("auto", "true", "false"):
            yield f"jit: expected 'auto', 'true' or 'false'. Received: {self.jit!r}"


@dataclass(frozen=True)
class PruneConfig:
    """What is pruned, how much, and by which score.

    Args:
        rounds: number of pruning rounds.
        rate: geometric: share of the surviving weights that a round prunes; linear: share of the
            original weights that a round prunes.
        schedule: `geometric`, `linear` or `one_shot`.
        criterion: name of a registered criterion.
        scope: name of a registered allocation: `global`, `layer`, `uniform`, `erk`.
        rates: other rates by group (`conv`, `dense`, `output`, ...) or by path pattern.
        include: path patterns; only matching variables are pruned. Empty: all.
        exclude: path patterns that are never pruned.
        biases: prune biases too.
        norms: prune the scales and shifts of normalization layers too.
        embeddings: prune embeddings.
        output: prune the output layer.
        min_per_layer: weights that every variable keeps at least.
    """

    rounds: int = 10
    rate: float = 0.2
    schedule: str = "geometric"
    criterion: str = "magnitude"
    scope: str = "global"
    rates: dict[str, float] = field(default_factory=dict)
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    biases: bool = False
    norms: bool = False
    embeddings: bool = True
    output: bool = True
    min_per_layer: int = 1

    def problems(self) -> Iterable[str]:
        if self.rounds < 1:
            yield f"rounds: expected at least 1. Received: {self.rounds}"
        for name, rate in [
            ("rate", self.rate),
            *((f"rates.{k}", v) for k, v in self.rates.items()),
        ]:
            if not (0 < rate < 1 or (name != "rate" and rate == 0)):
                yield (
                    f"{name}: expected the fraction pruned a round, above 0 and below 1. "
                    f"Received: {rate}"
                )
        if self.schedule not in ("geometric", "linear", "one_shot"):
            yield (
                f"schedule: expected 'geometric', 'linear' or 'one_shot'. "
                f"Received: {self.schedule!r}"
            )
        if self.schedule == "linear" and self.rounds * self.rate > 1 - 1e-9:
            yield (
                f"rounds: expected rounds × rate below 1 under the linear schedule. "
                f"Received: {self.rounds} × {self.rate}"
            )
        if self.schedule == "one_shot" and self.rounds != 1:
            yield f"rounds: expected 1 under the one_shot schedule. Received: {self.rounds}"
        if self.min_per_layer < 0:
            yield f"min_per_layer: expected 0 or more. Received: {self.min_per_layer}"


@dataclass(frozen=True)
class RewindConfig:
    """Where a pruned network starts again.

    Args:
        to: `0it` (the start weights), or a later duration such as `500it` or `1ep`.
        mode: `weights`, `learning_rate` (keep the trained weights, replay the schedule from
            `to`) or `fine_tune` (keep the weights and the last learning rate).
        optimizer: `restore` the slots of the rewind point, or `reset` them.
        schedule: `resume` the learning-rate schedule at `to`, or `restart` it at 0.
        data_order: `restore` (go on as from `to`) or `restart` at the first epoch's order.
        seeds: `restore` the seed generators (dropout), or `reset` them.
        batch_norm: `restore` the moving statistics of the rewind point, or `reset` them to 0 and 1.
    """

    to: str = "0it"
    mode: str = "weights"
    optimizer: str = "restore"
    schedule: str = "resume"
    data_order: str = "restore"
    seeds: str = "restore"
    batch_norm: str = "restore"

    def problems(self) -> Iterable[str]:
        yield from _duration_problems("to", self.to)
        choices = {
            "mode": ("weights", "learning_rate", "fine_tune"),
            "optimizer": ("restore", "reset"),
            "schedule": ("resume", "restart"),
            "data_order": ("restore", "restart"),
            "seeds": ("restore", "reset"),
            "batch_norm": ("restore", "reset"),
        }
        for name, known in choices.items():
            received = getattr(self, name)
            if received not in known:
                yield f"{name}: expected one of {', '.join(known)}. Received: {received!r}"


@dataclass(frozen=True)
class Config:
    """One experiment.

    Args:
        name: short name; the run folder is `<name>-<hash>`.
        task: name of a registered task; it decides the fields of `data` and `model`.
        seeds: one independent repetition each.
        arms: what is trained at every round besides `dense`.
        draws: fresh draws per ticket of the controls that draw.
        keep_trained: arms whose trained weights stay on disk.
    """

    name: str
    task: str
    data: Any
    model: Any
    optimizer: OptimizerConfig = OptimizerConfig()
    train: TrainConfig = TrainConfig()
    prune: PruneConfig = field(default_factory=PruneConfig)
    rewind: RewindConfig = RewindConfig()
    seeds: tuple[int, ...] = (0,)
    arms: tuple[str, ...] = ("winning",)
    draws: int = 1
    keep_trained: tuple[str, ...] = ("dense", "winning")
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
    """

    data: type
    model: type
    make: str


task_schemas: Registry[TaskSchema] = Registry("task")

# What may change between two calls of `run` without changing the result of any training.
_NOT_HASHED = (
    "name", "seeds", "prune.rounds", "arms", "draws", "keep_trained", "out", "executor", "tpu",
    "data.dir", "data.download",
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
    sections = {"data": schema.data, "model": schema.model}
    for name, section in sections.items():
        settings[name] = _build(section, settings.get(name) or {}, name, problems)
    config = _build(Config, settings, "", problems)
    if problems:
        raise LotteryError("The config does not fit: " + "; ".join(problems) + ".")
    return typing.cast(Config, config)


def thaw(config: Config) -> dict[str, Any]:
    """Returns `config` as plain nested JSON values; `freeze(thaw(c)) == c`."""
    thawed: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(config)))
    return thawed


def digest(config: Config) -> str:
    """Returns 8 hex digits over everything that changes a training's result."""
    flat = {k: v for k, v in flatten(thaw(config)).items() if k not in _NOT_HASHED}
    return hashlib.sha256(json.dumps(flat, sort_keys=True).encode()).hexdigest()[:8]


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
    return sorted(k for k in a.keys() | b.keys() if a.get(k) != b.get(k) and k not in _NOT_HASHED)


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
            values[key] = _build(typing.cast(type, kind), value, prefix + key, problems)
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
        return tuple(_coerce(arguments[0], item, where, problems) for item in items)
    if origin is dict and isinstance(value, Mapping):
        return {str(k): _coerce(arguments[1], v, where, problems) for k, v in value.items()}
    if kind is Any or (isinstance(kind, type) and _is_a(kind, value)):
        return kind(value) if kind in (float, str) else value
    problems.append(f"{where}: expected {getattr(kind, '__name__', kind)}. Received: {value!r}")
    return None


def _is_a(kind: type, value: Any) -> bool:
    if isinstance(value, bool) or kind is bool:
        return isinstance(value, bool) and kind is bool
    if kind is float:
        return isinstance(value, (int, float)) and math.isfinite(value)
    return isinstance(value, kind) or (kind is str and isinstance(value, (int, float)))


def _duration_problems(name: str, text: str) -> Iterable[str]:
    try:
        Duration.parse(text)
    except LotteryError as error:
        yield f"{name}: {str(error).rstrip('.')}"
