"""The driver: hands trainings with their starts to the executor, and keeps the results."""

from collections.abc import Collection
from typing import Protocol

from keras_lottery.arms import arms
from keras_lottery.config import Config
from keras_lottery.engine.executors.worker import diverged
from keras_lottery.engine.graph import ready
from keras_lottery.engine.progress import RunProgress
from keras_lottery.errors import DivergedError
from keras_lottery.types import DIVERGED, Executor, Job, Outcome, RunView, Start, Training


class Results(Protocol):
    """Where the driver puts results: a run folder, or memory."""

    def done(self) -> Collection[Training]:
        """Returns the trainings that are finished, diverged or skipped."""
        ...

    def write(self, outcome: Outcome) -> None:
        """Keeps the result of a training."""
        ...

    def skip(self) -> int:
        """Gives up what descends from a diverged training; returns how many are new."""
        ...


def drive(
    config: Config, run: RunView, results: Results, executor: Executor, progress: RunProgress
) -> None:
    """Trains whatever is ready until nothing is left.

    The driver alone reads and writes the run. It makes the start of a training (the ticket, pruned
    from what is already trained), so that a worker needs no access to the run.

    Args:
        config: of the experiment.
        run: what starts are made from.
        results: where results are kept.
        executor: trains.
        progress: counts what is skipped.
    """
    driver = _Driver(config, run, results, progress)
    driver.skip()
    for outcome in executor.run(driver.take):
        driver.write(outcome)


class _Driver:
    def __init__(
        self, config: Config, run: RunView, results: Results, progress: RunProgress
    ) -> None:
        self._config = config
        self._run = run
        self._results = results
        self._progress = progress
        self._in_flight: set[Training] = set()

    def take(self) -> Job | None:
        """Returns the next training that is ready, with its start; None where there is none yet."""
        while training := self._next():
            try:
                start = arms[training.arm].start(training, self._run)
            except DivergedError as error:
                self.write(diverged(training, Start({}), str(error)))
                self._progress.skip(1)
                continue
            self._in_flight.add(training)
            return training, start
        return None

    def write(self, outcome: Outcome) -> None:
        self._results.write(outcome)
        self._in_flight.discard(outcome.training)
        if outcome.status == DIVERGED:
            self.skip()

    def skip(self) -> None:
        self._progress.skip(self._results.skip())

    def _next(self) -> Training | None:
        waiting = ready(self._config, self._results.done())
        return next((t for t in waiting if t not in self._in_flight), None)
