"""The engine's run with its results in memory."""

from typing import cast

from keras_lottery.config import Config
from keras_lottery.engine.graph import descendants
from keras_lottery.engine.pruner import Pruner
from keras_lottery.errors import LotteryError
from keras_lottery.protocols import Task
from keras_lottery.search.fit_task import FitTask
from keras_lottery.types import FINISHED, Start, State, Training, TrainingResult, Weights


class Memory(Pruner):
    """The run of a search, with its results in memory."""

    def __init__(self, config: Config, task: FitTask) -> None:
        self.config = config
        # It lacks FLOPs and export, which only runs with files need.
        self.task = cast(Task, task)
        self.starts: dict[Training, Start] = {}
        self.results: dict[Training, TrainingResult] = {}
        self.skipped: set[Training] = set()

    def done(self) -> set[Training]:
        return {*self.results, *self.skipped}

    def write(self, training: Training, start: Start, result: TrainingResult) -> None:
        self.starts[training], self.results[training] = start, result

    def skip(self) -> int:
        """Skips the descendants of diverged trainings; returns how many are newly skipped."""
        lost = {t for t, result in self.results.items() if result.status != FINISHED}
        new = set(descendants(self.config, lost)) - self.skipped
        self.skipped |= new
        return len(new)

    def start_of(self, training: Training) -> Start:
        return self.starts[training]

    def source_start_of(self, training: Training) -> Start:
        """Unused: a search has no transfer sources."""
        raise KeyError(training.source)

    def trained(self, training: Training) -> Weights:
        return self.results[training].weights

    def rewind_state(self, seed: int) -> State:
        dense = next(
            result for t, result in self.results.items() if (t.seed, t.arm) == (seed, "dense")
        )
        if dense.rewind is None:
            raise LotteryError(
                f"Expected a rewind point within the training. "
                f"Received: {self.config.rewind.to}. Choose an earlier one."
            )
        return dense.rewind
