"""Training one training: what an executor calls, in this process or another."""

from dataclasses import replace

from keras_lottery.arms import arms
from keras_lottery.engine.progress import NoProgress, RunProgress
from keras_lottery.types import Outcome, RunView, Training


class Worker:
    """Makes tickets and trains them.

    Args:
        run: the run so far.
        progress: is told how far each training has come.
    """

    def __init__(self, run: RunView, progress: RunProgress | None = None) -> None:
        self._run = run
        self._progress = progress or NoProgress()

    def execute(self, training: Training) -> Outcome:
        """Returns what the training brought."""
        start = arms[training.arm].start(training, self._run)
        with self._progress.training(training) as progress:
            outcome = self._run.task.fit(training, start, progress)
        return replace(outcome, metrics=start.metrics | outcome.metrics)
