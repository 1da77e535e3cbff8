"""The sections of a config that every task has: optimizer, training, pruning, rewinding."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Annotated, Any, cast

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
"""Keras' optimizers, with the optional fields that each one reads."""

WITH_L2 = ("sgd", "adam")
"""Optimizers that accept `l2`."""

DTYPE_POLICIES = ("float32", "float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16")
MOST_ROUNDS = 1000
RESTORE = ("restore", "reset")
SCHEDULES = ("constant", "piecewise", "cosine", "linear", "inverse_sqrt")
Step = Annotated[str, Length()]
ArmName = Annotated[str, Known("arm", "keras_lottery.arms:arms")]
Decay = Annotated[float, Range(least=0, below=1)]


def _reads(field: str) -> ReadWhen:
    return ReadWhen("name", *(name for name, taken in OPTIMIZERS.items() if field in taken))


class _ReadWithMomentum(ReadWhen):
    """The field has an effect only with momentum, which is off in SGD by default."""

    def __init__(self) -> None:
        super().__init__("momentum")

    def holds(self, section: object) -> bool:
        optimizer = cast(OptimizerConfig, section)
        return optimizer.name != "sgd" or bool(optimizer.momentum)


@dataclass(frozen=True)
class OptimizerConfig:
    """A Keras optimizer and its learning-rate schedule; None leaves Keras' own default.

    Args:
        name: Keras name, e.g. `adam`, `sgd`, `adamw`.
        learning_rate: peak learning rate.
        schedule: `constant`, `piecewise`, `cosine`, `linear` or `inverse_sqrt`.
        boundaries: `piecewise`: when the rate drops, as durations (`80ep`, `20000it`).
        factor: `piecewise`: factor that the rate is multiplied by at each boundary.
        warmup: linear warm-up from 0, as a duration.
        momentum: momentum.
        nesterov: Nesterov momentum.
        beta_1: decay of the first moment.
        beta_2: decay of the second moment.
        epsilon: added to the denominator.
        rho: decay of the squared gradients.
        weight_decay: decoupled, as in Keras: weights shrink by `learning_rate · weight_decay`.
        l2: added to the gradient as `l2 · w`, after clipping and before momentum, for biases and
            normalization too, as in PyTorch's SGD and Adam. Only for `sgd` and `adam`.
        clipnorm: largest norm of each variable's gradient.
        global_clipnorm: largest norm of all gradients together.
    """

    name: Annotated[str, Known("optimizer", OPTIMIZERS)] = "adam"
    learning_rate: AboveZero = 1e-3
    schedule: Annotated[str, OneOf(SCHEDULES)] = "constant"
    boundaries: Annotated[tuple[Step, ...], ReadWhen("schedule", "piecewise")] = ()
    factor: Annotated[float, Range(above=0), ReadWhen("boundaries")] = 0.1
    warmup: Step = "0it"
    momentum: Annotated[Decay | None, _reads("momentum")] = None
    nesterov: Annotated[bool | None, _reads("nesterov"), _ReadWithMomentum()] = None
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
            yield "l2: expected no weight_decay with it. Received both"
        if self.clipnorm and self.global_clipnorm:
            yield "clipnorm: expected no global_clipnorm with it. Received both"


@dataclass(frozen=True)
class TrainConfig:
    """Length of a training, batches and evaluation.

    Args:
        length: length of a whole training, as a duration.
        batch_size: examples per step, over all devices.
        eval_every: steps between evaluations on the validation set; 0: once an epoch.
        evaluate_start: evaluate the network on the test set before its first step, too.
        value: `final` (metric at the end) or `best` (at the minimum of the validation loss).
        drop_remainder: drop an epoch's last, smaller batch (every epoch is reshuffled).
        dtype_policy: Keras dtype policy, e.g. `float32` or `mixed_bfloat16`.
        jit: `auto`, `true` or `false`: compile with XLA.
        average: number of last checkpoints to average and evaluate at the end; 0: none.
        average_every: interval between them, as a duration.
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
    average_every: Annotated[str, Length(least=1), ReadWhen("average", unless=("0", "1"))] = "1ep"


@dataclass(frozen=True)
class PruneConfig:
    """Pruning: which weights, how many, and by which criterion.

    Args:
        rounds: number of pruning rounds.
        rate: fraction that a round prunes: of the surviving weights (geometric) or of the original
            weights (linear).
        schedule: `geometric`, `linear`, `one_shot`, or `levels`, as listed in `levels`.
        levels: fraction of the original weights pruned after each round.
        criterion: name of a registered criterion.
        scope: name of a registered allocation: `global`, `layer`, `uniform`, `erk`.
        rates: other rates by group (`conv`, `dense`, `output`, ...) or by path pattern.
        include: path patterns; only matching variables are pruned. Empty: all.
        exclude: path patterns that are never pruned.
        biases: prune biases too.
        norms: prune the scales and shifts of normalization layers too.
        embeddings: prune embeddings.
        output: prune the output layer.
        min_per_layer: minimum number of weights (or channels, or blocks, by pattern) that every
            variable keeps.
        arm_rounds: rounds in which an arm is trained, by arm; others: in all. An iterative arm is
            trained in the rounds before them, too.
        pattern: which weights are pruned together: `weights` (single weights), `channels` (coupled
            ones are one group), `2:4` or any other N:M, `block:4x4`. Rates are fractions of
            such groups.
    """

    rounds: Annotated[int, Range(least=1, most=MOST_ROUNDS)] = 10
    rate: Annotated[float, Range(above=0, below=1), ReadWhen("schedule", unless=("levels",))] = 0.2
    schedule: Annotated[str, OneOf(("geometric", "linear", "one_shot", "levels"))] = "geometric"
    levels: Annotated[tuple[float, ...], ReadWhen("schedule", "levels")] = ()
    criterion: Annotated[str, Known("criterion", "keras_lottery.pruning:criteria")] = "magnitude"
    scope: Annotated[str, Known("scope", "keras_lottery.pruning:allocations")] = "global"
    rates: Annotated[
        dict[str, Annotated[float, Range(least=0, below=1)]],
        ReadWhen("schedule", unless=("levels",)),
    ] = field(default_factory=dict)
    include: tuple[Pattern, ...] = ()
    exclude: tuple[Pattern, ...] = ()
    biases: bool = False
    norms: bool = False
    embeddings: bool = True
    output: bool = True
    min_per_layer: Count = 1
    arm_rounds: dict[str, Annotated[tuple[Positive, ...], Filled()]] = field(default_factory=dict)
    pattern: Annotated[str, Checked("keras_lottery.pruning:check_exact_pattern")] = "weights"

    @staticmethod
    def implied(settings: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the schedule and rounds that `levels` implies, and the round of `one_shot`."""
        implied: dict[str, Any] = {}
        if settings.get("levels"):
            implied = {"schedule": "levels", "rounds": len(settings["levels"])}
        elif settings.get("schedule") == "one_shot":
            implied = {"rounds": 1}
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
        if self.schedule != "levels":
            return
        if not self.levels:
            yield (
                "levels: expected the fraction pruned after each round under schedule 'levels'. "
                "Received none"
            )
        elif not _rises(self.levels):
            yield (
                f"levels: expected rising fractions above 0 and below 1. Received: {self.levels}"
            )
        elif self.rounds > len(self.levels):
            most = len(self.levels)
            yield f"rounds: expected at most {most}, one per level. Received: {self.rounds}"


@dataclass(frozen=True)
class RewindConfig:
    """The rewind point, and the state restored there.

    Args:
        to: `0it` (the start weights), or a later duration such as `500it` or `1ep`.
        mode: `weights`, `learning_rate` (keep the trained weights, replay the schedule from
            `to`) or `fine_tune` (keep the weights and the last learning rate).
        optimizer: `restore` the slots of the rewind point, or `reset` them.
        schedule: `resume` the learning-rate schedule at `to`, or `restart` it at 0.
        data_order: `restore` (continue as from `to`) or `restart` with the first epoch's order.
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
    """Tickets of other experiments to train on this one's task.

    Args:
        sources: run folders by a name of your choice; the winning ticket of every round and seed is
            trained here, too, with this task's start weights in the unmasked output layer.
        arms: arms trained from each: `winning`, and controls that use its masks.
    """

    sources: dict[str, Annotated[str, Filled()]] = field(default_factory=dict)
    arms: Annotated[tuple[ArmName, ...], Distinct(least=1), ReadWhen("sources")] = ("winning",)

    def problems(self) -> Iterable[str]:
        for name in self.sources:
            if text := Slug().problem(name):
                yield f"sources: {text}"


@dataclass(frozen=True)
class ReportConfig:
    """Settings of the report; they change no training.

    Args:
        sparse: fraction of weights remaining; sentences compare arms at this level and sparser.
    """

    sparse: Annotated[float, Range(above=0, most=1)] = 0.1


def _rises(levels: tuple[float, ...]) -> bool:
    steps = (0.0, *levels, 1.0)
    return all(low < high for low, high in pairwise(steps))
