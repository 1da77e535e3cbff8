"""The sections of a config that every task has: optimizer, training, pruning, rewinding."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Annotated, Any

from keras_lottery.config.fields import (
    AboveZero,
    Checked,
    Count,
    Distinct,
    Filled,
    Known,
    Length,
    NotNegative,
    OneOf,
    Pattern,
    Positive,
    Range,
    ReadWhen,
    Slug,
)

OPTIMIZERS = {
    "adadelta": ("rho", "epsilon"),
    "adafactor": (),
    "adagrad": ("epsilon",),
    "adam": ("beta_1", "beta_2", "epsilon"),
    "adamax": ("beta_1", "beta_2", "epsilon"),
    "adamw": ("beta_1", "beta_2", "epsilon"),
    "ftrl": (),
    "lion": ("beta_1", "beta_2"),
    "muon": ("momentum", "nesterov", "epsilon"),
    "nadam": ("beta_1", "beta_2", "epsilon"),
    "rmsprop": ("rho", "momentum", "epsilon"),
    "schedulefreeadamw": ("beta_1", "beta_2", "epsilon"),
    "sgd": ("momentum", "nesterov"),
}
"""Keras' optimizers, and which of the fields that not all of them have each one reads."""

WITH_L2 = ("sgd", "adam")
"""Those that take `l2`."""

DTYPE_POLICIES = ("float32", "float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16")
MOST_ROUNDS = 1000
RESTORE = ("restore", "reset")
SCHEDULES = ("constant", "piecewise", "cosine", "linear", "inverse_sqrt")
Step = Annotated[str, Length()]
ArmName = Annotated[str, Known("arm", "keras_lottery.arms:arms")]
Decay = Annotated[float, Range(least=0, below=1)]


def _reads(field: str) -> ReadWhen:
    return ReadWhen("name", *(name for name, taken in OPTIMIZERS.items() if field in taken))


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
        weight_decay: decoupled, as Keras has it: weights shrink by `learning_rate · weight_decay`.
        l2: added to the gradient as `l2 · w`, after clipping and before momentum, for biases and
            normalization too, as PyTorch's SGD and Adam do it. Only `sgd` and `adam` take it.
    """

    name: Annotated[str, Known("optimizer", OPTIMIZERS)] = "adam"
    learning_rate: AboveZero = 1e-3
    schedule: Annotated[str, OneOf(SCHEDULES)] = "constant"
    boundaries: Annotated[tuple[Step, ...], ReadWhen("schedule", "piecewise")] = ()
    factor: Annotated[float, Range(above=0), ReadWhen("boundaries")] = 0.1
    warmup: Step = "0it"
    momentum: Annotated[Decay | None, _reads("momentum")] = None
    nesterov: Annotated[bool | None, _reads("nesterov")] = None
    beta_1: Annotated[Decay | None, _reads("beta_1")] = None
    beta_2: Annotated[Decay | None, _reads("beta_2")] = None
    epsilon: Annotated[AboveZero | None, _reads("epsilon")] = None
    rho: Annotated[Decay | None, _reads("rho")] = None
    weight_decay: NotNegative | None = None
    l2: Annotated[NotNegative | None, ReadWhen("name", *WITH_L2)] = None
    clipnorm: AboveZero | None = None
    global_clipnorm: AboveZero | None = None

    def problems(self) -> Iterable[str]:
        if self.schedule == "piecewise" and not self.boundaries:
            yield "boundaries: expected at least one under schedule 'piecewise'. Received none"
        if self.l2 and self.weight_decay:
            yield "l2: expected no weight_decay beside it. Received both"
        if self.clipnorm and self.global_clipnorm:
            yield "clipnorm: expected no global_clipnorm beside it. Received both"


@dataclass(frozen=True)
class TrainConfig:
    """How long a network trains and when it is measured.

    Args:
        length: length of a whole training, as a duration.
        batch_size: examples a step, over all devices.
        eval_every: steps between evaluations on the validation set; 0: once an epoch.
        evaluate_start: measure the network on the test set before its first step too.
        value: `final` (metric at the end) or `best` (at the minimum of the validation loss).
        drop_remainder: leave out an epoch's last, smaller batch (each epoch is shuffled anew).
        dtype_policy: Keras dtype policy, e.g. `float32` or `mixed_bfloat16`.
        jit: `auto`, `true` or `false`: compile with XLA.
        average: checkpoints, the last ones, whose mean is kept and measured at the end; 0: none.
        average_every: how far they are apart, as a duration.
    """

    length: Annotated[str, Length(least=1)] = "1000it"
    batch_size: Positive = 60
    eval_every: Annotated[int, Range(least=0, unit="steps")] = 100
    evaluate_start: bool = False
    value: Annotated[str, OneOf(("final", "best"))] = "final"
    drop_remainder: bool = True
    dtype_policy: Annotated[str, OneOf(DTYPE_POLICIES)] = "float32"
    jit: Annotated[str, OneOf(("auto", "true", "false"))] = "auto"
    average: Count = 0
    average_every: Annotated[str, Length(least=1), ReadWhen("average")] = "1ep"


@dataclass(frozen=True)
class PruneConfig:
    """What is pruned, how much, and by which score.

    Args:
        rounds: number of pruning rounds.
        rate: geometric: share of the surviving weights that a round prunes; linear: share of the
            original weights that a round prunes.
        schedule: `geometric`, `linear`, `one_shot`, or `levels`, which `levels` lists.
        levels: fraction of the original weights that is pruned after each round.
        criterion: name of a registered criterion.
        scope: name of a registered allocation: `global`, `layer`, `uniform`, `erk`.
        rates: other rates by group (`conv`, `dense`, `output`, ...) or by path pattern.
        include: path patterns; only matching variables are pruned. Empty: all.
        exclude: path patterns that are never pruned.
        biases: prune biases too.
        norms: prune the scales and shifts of normalization layers too.
        embeddings: prune embeddings.
        output: prune the output layer.
        min_per_layer: weights that every variable keeps at least; channels or blocks, where the
            pattern prunes these.
        arm_rounds: rounds in which an arm is trained, by its name; arms not named: in all. One
            with a chain of its own is trained in the rounds before them, too.
        pattern: which weights are pruned together: `weights` (each for itself), `channels`
            (coupled ones are one group), `2:4` or any other N of M, `block:4x4`. Rates are shares
            of such groups.
    """

    rounds: Annotated[int, Range(least=1, most=MOST_ROUNDS)] = 10
    rate: Annotated[float, Range(above=0, below=1), ReadWhen("schedule", unless=("levels",))] = 0.2
    schedule: Annotated[str, OneOf(("geometric", "linear", "one_shot", "levels"))] = "geometric"
    levels: tuple[float, ...] = ()
    criterion: Annotated[str, Known("criterion", "keras_lottery.pruning:criteria")] = "magnitude"
    scope: Annotated[str, Known("scope", "keras_lottery.pruning:allocations")] = "global"
    rates: dict[str, Annotated[float, Range(least=0, below=1)]] = field(default_factory=dict)
    include: tuple[Pattern, ...] = ()
    exclude: tuple[Pattern, ...] = ()
    biases: bool = False
    norms: bool = False
    embeddings: bool = True
    output: bool = True
    min_per_layer: Count = 1
    arm_rounds: dict[str, Annotated[tuple[Positive, ...], Filled()]] = field(default_factory=dict)
    pattern: Annotated[str, Checked("keras_lottery.pruning:check_pattern")] = "weights"

    @staticmethod
    def implied(settings: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the schedule and the number of rounds that `levels` alone implies."""
        if not settings.get("levels"):
            return {}
        implied = {"schedule": "levels", "rounds": len(settings["levels"])}
        return {name: value for name, value in implied.items() if name not in settings}

    def problems(self) -> Iterable[str]:
        yield from self._level_problems()
        if self.schedule == "linear" and self.rounds * self.rate > 1 - 1e-9:
            yield (
                f"rounds: expected rounds × rate below 1 under the linear schedule. "
                f"Received: {self.rounds} × {self.rate}"
            )
        if self.schedule == "one_shot" and self.rounds != 1:
            yield f"rounds: expected 1 under the one_shot schedule. Received: {self.rounds}"

    def _level_problems(self) -> Iterable[str]:
        if (self.schedule == "levels") != bool(self.levels):
            yield (
                "levels: expected the fraction pruned after each round under schedule 'levels', "
                f"and none otherwise. Received: {self.levels} under {self.schedule!r}"
            )
        if self.levels and not _rises(self.levels):
            yield (
                f"levels: expected rising fractions above 0 and below 1. Received: {self.levels}"
            )
        if self.levels and self.rounds > len(self.levels):
            most = len(self.levels)
            yield f"rounds: expected at most {most}, one a level. Received: {self.rounds}"
        if self.levels and self.rates:
            yield f"rates: expected none under schedule 'levels'. Received: {self.rates}"


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

    to: Step = "0it"
    mode: Annotated[str, OneOf(("weights", "learning_rate", "fine_tune"))] = "weights"
    optimizer: Annotated[str, OneOf(RESTORE)] = "restore"
    schedule: Annotated[str, OneOf(("resume", "restart"))] = "resume"
    data_order: Annotated[str, OneOf(("restore", "restart"))] = "restore"
    seeds: Annotated[str, OneOf(RESTORE)] = "restore"
    batch_norm: Annotated[str, OneOf(RESTORE)] = "restore"


@dataclass(frozen=True)
class TransferConfig:
    """Tickets of other experiments that are trained on this one's task.

    Args:
        sources: run folders by a name of one's own; the winning ticket of every round and seed is
            trained here too, with this task's start weights in the output layer, not masked.
        arms: what is trained from each: `winning`, and controls that follow its masks.
    """

    sources: dict[str, Annotated[str, Filled()]] = field(default_factory=dict)
    arms: Annotated[tuple[ArmName, ...], Distinct(least=1), ReadWhen("sources")] = ("winning",)

    def problems(self) -> Iterable[str]:
        for name in self.sources:
            if text := Slug().problem(name):
                yield f"sources: {text}"


@dataclass(frozen=True)
class ReportConfig:
    """What the report says of a run; it changes no training.

    Args:
        sparse: fraction of the weights remaining at and below which its sentences compare arms.
    """

    sparse: Annotated[float, Range(above=0, most=1)] = 0.1


def _rises(levels: tuple[float, ...]) -> bool:
    steps = (0.0, *levels, 1.0)
    return all(low < high for low, high in pairwise(steps))
