"""The sections of a config that every task has: optimizer, training, pruning, rewinding."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from keras_lottery.duration import Duration
from keras_lottery.errors import LotteryError


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
    l2: float | None = None
    clipnorm: float | None = None
    global_clipnorm: float | None = None

    def problems(self) -> Iterable[str]:
        schedules = ("constant", "piecewise", "cosine", "linear", "inverse_sqrt")
        if self.schedule not in schedules:
            yield f"schedule: expected one of {', '.join(schedules)}. Received: {self.schedule!r}"
        if not self.learning_rate > 0:
            yield f"learning_rate: expected a number above 0. Received: {self.learning_rate}"
        if self.l2 is not None and (self.l2 < 0 or self.weight_decay):
            yield (
                "l2: expected 0 or more, and no weight_decay next to it. "
                f"Received: {self.l2} with weight_decay {self.weight_decay}"
            )
        for name, text in [("warmup", self.warmup), *(("boundaries", b) for b in self.boundaries)]:
            yield from _duration_problems(name, text)


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

    length: str = "1000it"
    batch_size: int = 60
    eval_every: int = 100
    evaluate_start: bool = False
    value: str = "final"
    drop_remainder: bool = True
    dtype_policy: str = "float32"
    jit: str = "auto"
    average: int = 0
    average_every: str = "1ep"

    def problems(self) -> Iterable[str]:
        yield from _duration_problems("length", self.length)
        yield from _duration_problems("average_every", self.average_every)
        if self.average < 0:
            yield f"average: expected 0 or more checkpoints. Received: {self.average}"
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
        min_per_layer: weights that every variable keeps at least.
        arm_rounds: rounds in which an arm is trained, by its name; arms not named: in all. One
            with a chain of its own is trained in the rounds before them, too.
    """

    rounds: int = 10
    rate: float = 0.2
    schedule: str = "geometric"
    levels: tuple[float, ...] = ()
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
    arm_rounds: dict[str, tuple[int, ...]] = field(default_factory=dict)

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
        if self.schedule not in ("geometric", "linear", "one_shot", "levels"):
            yield (
                f"schedule: expected 'geometric', 'linear', 'one_shot' or 'levels'. "
                f"Received: {self.schedule!r}"
            )
        yield from self._level_problems()
        if self.schedule == "linear" and self.rounds * self.rate > 1 - 1e-9:
            yield (
                f"rounds: expected rounds × rate below 1 under the linear schedule. "
                f"Received: {self.rounds} × {self.rate}"
            )
        if self.schedule == "one_shot" and self.rounds != 1:
            yield f"rounds: expected 1 under the one_shot schedule. Received: {self.rounds}"
        if self.min_per_layer < 0:
            yield f"min_per_layer: expected 0 or more. Received: {self.min_per_layer}"
        for arm, rounds in self.arm_rounds.items():
            if not rounds or min(rounds) < 1:
                yield f"arm_rounds.{arm}: expected rounds from 1 on. Received: {rounds}"

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
class TransferConfig:
    """Tickets of other experiments that are trained on this one's task.

    Args:
        sources: run folders by a name of one's own; the winning ticket of every round and seed is
            trained here too, with this task's start weights in the output layer, not masked.
        arms: what is trained from each: `winning`, and controls that follow its masks.
    """

    sources: dict[str, str] = field(default_factory=dict)
    arms: tuple[str, ...] = ("winning",)

    def problems(self) -> Iterable[str]:
        for name in self.sources:
            if not name or not all(c.isalnum() or c in "-_." for c in name):
                yield f"sources: expected letters, digits, '-', '_', '.'. Received: {name!r}"


@dataclass(frozen=True)
class ReportConfig:
    """What the report says of a run; it changes no training.

    Args:
        sparse: fraction of the weights remaining at and below which its sentences compare arms.
    """

    sparse: float = 0.1

    def problems(self) -> Iterable[str]:
        if not 0 < self.sparse <= 1:
            yield f"sparse: expected a fraction above 0, at most 1. Received: {self.sparse}"


def _rises(levels: tuple[float, ...]) -> bool:
    steps = (0.0, *levels, 1.0)
    return all(one < other for one, other in pairwise(steps))


def _duration_problems(name: str, text: str) -> Iterable[str]:
    try:
        Duration.parse(text)
    except LotteryError as error:
        yield f"{name}: {str(error).rstrip('.')}"
