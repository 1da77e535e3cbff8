"""The interfaces between the engine and its parts: tasks, arms, what arms read, executors."""

from collections.abc import Callable, Generator, Hashable, Sequence
from typing import Any, Protocol, runtime_checkable

from keras_lottery.config import Config
from keras_lottery.types import (
    MaskSet,
    Start,
    State,
    Training,
    TrainingResult,
    VariableInfo,
    Weights,
)


class Task(Protocol):
    """The interface of a domain; the engine knows nothing else about it."""

    name: str
    metric: str
    higher_is_better: bool

    def variables(self) -> Sequence[VariableInfo]:
        """Returns all variables except states such as moving means, the prunable ones marked."""
        ...

    def start_weights(self, seed: int) -> Weights:
        """Returns the initial weights of the dense network."""
        ...

    def fresh_weights(self, seed: int) -> Weights:
        """Returns newly initialized weights."""
        ...

    def steps(self, duration: str) -> int:
        """Returns a duration such as `1ep` or `500it` in optimizer steps."""
        ...

    def fit(self, training: Training, start: Start, progress: "Progress") -> TrainingResult:
        """Trains and evaluates the network."""
        ...

    def evaluate(self, start: Start, split: str = "test", examples: int = 0) -> dict[str, float]:
        """Evaluates a network without training it; returns metrics by name.

        Args:
            start: weights and masks of the network.
            split: `test` or `validation`.
            examples: number of examples, from the first on; 0: all of them.
        """
        ...

    def evaluate_averaged(self, start: Start) -> dict[str, float]:
        """Evaluates an interpolated network; returns `test_<name>` and `train_<name>`.

        Its batch-norm statistics are first re-estimated from training data.
        """
        ...

    def derived(self, name: str, weights: Weights, masks: MaskSet, seed: int) -> Weights:
        """Returns a derivative of the training loss at `weights`, for criteria that need one.

        Args:
            name: `gradient`, `hessian_gradient`, `hessian_diagonal` or `flow`; see
                `derivatives.derive`.
            weights: value of every variable.
            masks: kept weights; the derivative is 0 elsewhere.
            seed: seed of the examples that it averages over and of other random choices.
        """
        ...

    def flops(self, masks: MaskSet) -> int:
        """Returns the FLOPs of one example's forward pass; pruned weights cost nothing."""
        ...

    def export_model(self, weights: Weights) -> Any:
        """Returns a plain Keras model with trained weights, pruned ones at their fixed values."""
        ...

    def assets(self) -> dict[str, bytes]:
        """Returns the files that an exported model needs, e.g. its vocabulary, by file name."""
        ...


@runtime_checkable
class VectorizedTask(Protocol):
    """The further methods of a task that can train several networks as one program."""

    def why_separate(self) -> str:
        """Returns why networks can't be trained as one program; empty if they can."""
        ...

    def program_of(self, training: Training, start: Start) -> Hashable:
        """Returns a key that is equal for trainings that can be one program."""
        ...

    def most_together(self, job: "Job", count: int) -> int:
        """Returns how many trainings like this one fit into memory, at most `count`."""
        ...

    def fit_many(
        self, jobs: Sequence["Job"], progress: Sequence["Progress"]
    ) -> list[TrainingResult]:
        """Trains and evaluates networks whose `program_of` is equal."""
        ...


class Arm(Protocol):
    """One kind of network trained in each round: the winning ticket or a control.

    Arms are subclasses with a name and the two methods.

    Args:
        name: the name in configs and results.
        iterative: whether each round prunes the network that this arm trained in the previous one.
        stochastic: whether the arm is trained `config.draws` times per ticket, with other random
            numbers. Iterative arms have one draw, even those that prune at random, since the next
            round prunes what this one trained. So do arms whose only random choice follows the
            seed of the experiment.
        once: whether the arm doesn't depend on the round, and is trained in the first one only.
        unstructured: whether the arm chooses single weights, so that `prune.pattern` must be
            `weights`.
        dense_chain: whether the arm needs a network that is a chain of dense layers.
        alike_layers: whether the arm needs layers that differ in their numbers alone.
        section: the config's section with the length and batch size of this arm's trainings;
            empty: `train`.
    """

    name: str
    iterative: bool = False
    stochastic: bool = False
    once: bool = False
    unstructured: bool = False
    dense_chain: bool = False
    alike_layers: bool = False
    section: str = ""

    def parents(self, training: Training) -> tuple[Training, ...]:
        """Returns the trainings that must be finished before this one."""
        ...

    def start(self, training: Training, run: "RunView") -> Start:
        """Returns the ticket, and the point at which its training starts."""
        ...


class RunView(Protocol):
    """The part of a run that arms may read."""

    config: Config
    task: Task

    def start_of(self, training: Training) -> Start:
        """Returns the start (the ticket) of a finished training."""
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

    def prune_round(
        self, training: Training, weights: Weights, masks: MaskSet, criterion: str = ""
    ) -> MaskSet:
        """Returns the masks of the training's round, pruned from those of the round before.

        Args:
            training: the training that gets the masks.
            weights: weights to prune.
            masks: masks of the round before; `{}` means all weights.
            criterion: overrides the config's.
        """
        ...

    def prune_to_round(self, training: Training, weights: Weights, criterion: str = "") -> MaskSet:
        """Returns masks with as many weights as the training's round keeps, pruned at once."""
        ...

    def prune_to_count(
        self, training: Training, weights: Weights, keep: int, criterion: str = ""
    ) -> MaskSet:
        """Returns masks with exactly `keep` weights, pruned at once."""
        ...


class Progress(Protocol):
    """Reports the progress of a training."""

    def update(self, step: int, of: int, loss: float) -> None:
        """Reports that `step` of `of` optimizer steps are done.

        `Trainer` also reports before the first step, once everything is compiled.
        """
        ...


Job = tuple[Training, Start]
"""Everything that a worker needs to train a network."""


class Executor(Protocol):
    """Trains networks, one or several at a time; it never reads or writes the run."""

    def run(
        self, take: Callable[[], Job | None]
    ) -> Generator[tuple[Training, TrainingResult], None, None]:
        """Yields results as trainings finish, until none is left.

        Args:
            take: returns the next ready training, each one once; None if none is ready until a
                training in flight finishes. More may be ready after each yielded result.
        """
        ...
