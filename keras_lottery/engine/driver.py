"""The driver: hands trainings with their initial states to the executor, and saves the results."""

from collections.abc import Collection
from contextlib import closing
from dataclasses import replace
from typing import Protocol

from keras_lottery.arms import arms
from keras_lottery.config import Config
from keras_lottery.engine.executors.choice import PARALLEL
from keras_lottery.engine.executors.train_one import diverged
from keras_lottery.engine.graph import longest_chain_first, ready, trainings
from keras_lottery.engine.progress import RunProgress
from keras_lottery.errors import DivergedError
from keras_lottery.protocols import Executor, Job, RunView
from keras_lottery.types import DIVERGED, Start, Training, TrainingResult


class ResultStore(Protocol):
    """Where the driver saves results: a run folder, or memory."""

    def done(self) -> Collection[Training]:
        """Returns the trainings that are finished, diverged or skipped."""
        ...

    def write(self, training: Training, start: Start, result: TrainingResult) -> None:
        """Saves the result and the start of a training."""
        ...

    def skip(self) -> int:
        """Skips the descendants of diverged trainings; returns how many are newly skipped."""
        ...


def drive(
    config: Config, run: RunView, results: ResultStore, executor: Executor, progress: RunProgress
) -> None:
    """Trains whatever is ready until all trainings are done.

    Only the driver reads and writes the run. It makes the start of each training (the ticket,
    pruned from earlier trained weights), so that workers need no access to the run.

    Args:
        config: config of the experiment.
        run: gives the arms the state of the run.
        results: saves the results.
        executor: trains the networks.
        progress: reports skipped trainings.
    """
    driver = _Driver(config, run, results, progress)
    driver.skip()
    # Closed at once if storing a result fails, so that no worker trains on.
    with closing(executor.run(driver.take)) as results_of_trainings:
        for training, result in results_of_trainings:
            driver.finish(training, result)


class _Driver:
    def __init__(
        self, config: Config, run: RunView, results: ResultStore, progress: RunProgress
    ) -> None:
        # One at a time, seed after seed, so that an interrupted run has whole seeds.
        order = longest_chain_first if config.executor in PARALLEL else trainings
        self._plan = order(config)
        self._run = run
        self._results = results
        self._progress = progress
        self._in_flight: dict[Training, Start] = {}

    def take(self) -> Job | None:
        """Returns the next ready training with its start; None if there is none yet."""
        while training := self._next():
            try:
                start = arms[training.arm].start(training, self._run)
            except DivergedError as error:
                self._write(training, Start({}), diverged(training, str(error)))
                self._progress.skip(1)
                continue
            self._in_flight[training] = start
            return training, start
        return None

    def finish(self, training: Training, result: TrainingResult) -> None:
        start = self._in_flight.pop(training)
        self._write(training, start, replace(result, metrics=start.metrics | result.metrics))

    def skip(self) -> None:
        self._progress.skip(self._results.skip())

    def _write(self, training: Training, start: Start, result: TrainingResult) -> None:
        self._results.write(training, start, result)
        if result.status == DIVERGED:
            self.skip()

    def _next(self) -> Training | None:
        waiting = ready(self._plan, self._results.done())
        return next((t for t in waiting if t not in self._in_flight), None)
