"""The nouns that every layer shares, and what a task, an arm and an executor must offer."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

MaskSet = dict[str, NDArray[np.bool_]]
"""Structural path -> boolean array of the variable's shape; True = kept."""

Weights = dict[str, NDArray[Any]]
"""Structural path -> value of that variable."""

State = dict[str, NDArray[Any]]
"""Everything that a training needs to go on bit for bit.

Keys: `weights/<path>` (every variable of the model, batch-norm statistics too),
`seeds/<path>` (seed generators), `carried/<path>` (what a network carries from batch to batch),
`optimizer/<i>` (its variables in their order), and `step` and `epoch`, arrays of shape `(1,)`.
"""


FINISHED, DIVERGED, SKIPPED = STATUSES = ("finished", "diverged", "skipped")
"""How a training ended; one that descends from a diverged training is skipped."""


@dataclass(frozen=True)
class VariableInfo:
    """What pruning has to know of one variable.

    Args:
        path: structural path, e.g. `layers/dense/kernel`.
        shape: shape of the variable.
        kind: `kernel`, `recurrent`, `embedding`, `bias`, `norm`, `other`, or `state` (not trained).
        layer: class name of the owning layer, e.g. `Conv2D`.
        group: `conv`, `dense`, `recurrent`, `embedding` or `other`; what `prune.rates` can name.
        output: True for the variables of the output layer.
        prunable: False where the options or the patterns leave it out.
        reason: why it is not prunable; empty if it is.
        names: further paths that patterns match: those with the names that layers were given.
        input_axis: innermost axis along which the weights of one output are; None: no kernel.
        channels: pattern `channels` only: along each axis the number of the channel at every
            index, the same for coupled channels, and -1 for one that stays; None: no channels.
        makes: axes along which the variable computes its channels; it reads the others.
    """

    path: str
    shape: tuple[int, ...]
    kind: str = "kernel"
    layer: str = "Dense"
    group: str = "dense"
    output: bool = False
    prunable: bool = True
    reason: str = ""
    names: tuple[str, ...] = ()
    input_axis: int | None = None
    channels: tuple[NDArray[np.int64] | None, ...] = field(default=(), compare=False, repr=False)
    makes: tuple[int, ...] = ()

    @property
    def places(self) -> tuple[str, ...]:
        """Every path that patterns match, the structural one first."""
        return (self.path, *self.names)

    @property
    def size(self) -> int:
        """Number of weights."""
        return int(np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True, order=True)
class Training:
    """One network to train, named by the key of its row in results.csv."""

    source: str
    task: str
    seed: int
    round: int
    arm: str
    draw: int = 0


@dataclass(frozen=True)
class Start:
    """Where a training starts.

    Args:
        weights: value of every variable of the model.
        masks: masks of the prunable variables; empty for the dense network.
        fills: fixed values of pruned weights that are not zero, by path.
        step: optimizer step at which the training starts; it ends at the task's full length.
        learning_rate_step: step from which the learning-rate schedule runs (`step`, or 0 where
            the schedule is restarted).
        state: state whose optimizer and seed entries are restored; None starts them fresh.
        seed: seeds dropout and the like where they start fresh.
        data_order_step: step from which the order of the data runs.
        data_seed: seeds the order of the data; None: the training's own seed.
        parametrization: how the weight that is used is made from what is stored.
        metrics: what the arm found out while it made the ticket, by name; written beside the
            training's own metrics.
        tables: likewise, rows of `<arm>.<name>.csv`.
    """

    weights: Weights
    masks: MaskSet = field(default_factory=dict)
    fills: Weights = field(default_factory=dict)
    step: int = 0
    learning_rate_step: int = 0
    data_order_step: int = 0
    state: State | None = None
    seed: int = 0
    data_seed: int | None = None
    parametrization: str = "zero"
    metrics: dict[str, float] = field(default_factory=dict)
    tables: dict[str, list[dict[str, float]]] = field(default_factory=dict)


@dataclass
class TrainingResult:
    """What a training ends with.

    Args:
        weights: trained value of every variable, pruned weights at their fixed values.
        rewind: full state at the rewind point, where this training passed it.
        steps: optimizer steps done.
        seconds: wall time of the training, without compilation.
        compile_seconds: wall time of compilation.
        final: metrics on the test set at the end, by name.
        best: the same at the minimum of the validation loss (at the end, where there is none).
        best_step: step of that minimum.
        metric: the name of the headline metric in `final` and `best`.
        initial: metrics on the test set before the first step, where the config asks for them.
        masks: masks that the training ended with, where it learned them; empty: those of the start.
        metrics: further metrics by name, for metrics.csv.
        history: rows of `<arm>.history.csv`, one per evaluation.
        samples: rows of `<arm>.samples.csv`: a few test examples as text, and the trained
            network's output under `answer`.
        status: `finished`, or `diverged` where a weight, the loss or the metric is not finite.
    """

    weights: Weights
    rewind: State | None
    steps: int
    seconds: float
    compile_seconds: float
    final: dict[str, float]
    best: dict[str, float]
    best_step: int
    metric: str = "loss"
    initial: dict[str, float] = field(default_factory=dict)
    masks: MaskSet = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    samples: list[dict[str, str]] = field(default_factory=list)
    status: str = FINISHED

    @property
    def final_value(self) -> float:
        """The headline metric at the end; NaN where nothing was measured."""
        return self.final.get(self.metric, math.nan)

    @property
    def best_value(self) -> float:
        """The headline metric at the minimum of the validation loss; NaN likewise."""
        return self.best.get(self.metric, math.nan)


class Task(Protocol):
    """What a domain gives the engine, which never knows which domain it runs."""

    name: str
    metric: str
    higher_is_better: bool

    def variables(self) -> Sequence[VariableInfo]:
        """Returns every trainable variable of the model, with the config's prunable ones marked."""
        ...

    def start_weights(self, seed: int) -> Weights:
        """Returns the weights that the dense network starts from."""
        ...

    def fresh_weights(self, seed: int) -> Weights:
        """Returns a fresh draw from the initializers."""
        ...

    def steps(self, duration: str) -> int:
        """Returns a length such as `1ep` or `500it` in optimizer steps."""
        ...

    def fit(self, training: Training, start: Start, progress: "Progress") -> TrainingResult:
        """Trains the network and measures it."""
        ...

    def evaluate(self, start: Start, split: str = "test", examples: int = 0) -> dict[str, float]:
        """Returns the metrics by name of a network at its start, without any training.

        Args:
            start: the network.
            split: `test` or `validation`.
            examples: how many of its first examples; 0: all of them.
        """
        ...

    def evaluate_averaged(self, start: Start) -> dict[str, float]:
        """Returns the metrics of a network between others, as `test_<name>` and `train_<name>`.

        Its batch-norm statistics are first re-estimated from training data.
        """
        ...

    def derived(self, name: str, weights: Weights, masks: MaskSet, seed: int) -> Weights:
        """Returns a derivative of the training loss at `weights`, for criteria that ask.

        Args:
            name: `gradient`, `hessian_gradient`, `hessian_diagonal` or `flow`; see
                `derivatives.derive`.
            weights: value of every variable.
            masks: what is kept; the derivative is 0 elsewhere.
            seed: of the examples over which it is the mean, and of what is drawn.
        """
        ...

    def flops(self, masks: MaskSet) -> int:
        """Returns floating-point operations of one example's forward pass, pruned weights free."""
        ...

    def export_model(self, weights: Weights) -> Any:
        """Returns a plain Keras model of trained weights, pruned ones at their fixed values."""
        ...

    def assets(self) -> dict[str, bytes]:
        """Returns what an exported model needs to be used, by file name, e.g. its vocabulary."""
        ...


class Arm(Protocol):
    """One way of training at a round: the winning ticket or a control.

    One with `once = True` is trained in the first round alone: nothing in it depends on the round.
    """

    @property
    def name(self) -> str:
        """The name in configs and results."""
        ...

    @property
    def iterative(self) -> bool:
        """True where each round prunes what the same arm trained in the round before."""
        ...

    @property
    def stochastic(self) -> bool:
        """True where something is drawn, so that there are several draws of a ticket."""
        ...

    def parents(self, training: Training) -> tuple[Training, ...]:
        """Returns the trainings that must be finished before this one."""
        ...

    def start(self, training: Training, run: "RunView") -> Start:
        """Returns the ticket that is trained, and the point at which its training starts."""
        ...


class RunView(Protocol):
    """What an arm may read of the run so far."""

    config: Any
    task: Task

    def start_of(self, training: Training) -> Start:
        """Returns where a finished training started: its ticket."""
        ...

    def source_start_of(self, training: Training) -> Start:
        """Returns the start of the winning ticket of the same seed and round in the source."""
        ...

    def trained(self, training: Training) -> Weights:
        """Returns the trained weights of a finished training."""
        ...

    def rewind_state(self, seed: int) -> State:
        """Returns the full state of the dense network at the rewind point."""
        ...

    def prune(
        self,
        training: Training,
        weights: Weights,
        masks: MaskSet,
        criterion: str = "",
        keep: int | None = None,
    ) -> MaskSet:
        """Returns the masks of one more round, or of all rounds at once for one-shot arms.

        Args:
            training: whose masks they are.
            weights: what is pruned.
            masks: what survives so far; `{}` is all.
            criterion: instead of the config's.
            keep: exactly as many weights are kept, whatever the round and the rates.
        """
        ...


class Progress(Protocol):
    """Reports the progress of a training."""

    def update(self, step: int, of: int, loss: float) -> None:
        """Reports `step` of `of` optimizer steps done."""
        ...


Job = tuple[Training, Start]
"""All that a worker needs to train a network."""


class Executor(Protocol):
    """Trains networks, one or several at a time; it never reads or writes the run."""

    def run(self, take: Callable[[], Job | None]) -> Iterator[tuple[Training, TrainingResult]]:
        """Yields results in the order in which trainings finish, until nothing is left.

        Args:
            take: returns the next training that is ready, each one once; None while those that
                were taken must finish first. More may be ready after each yielded result.
        """
        ...
