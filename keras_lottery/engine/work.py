"""Training one training: what an executor calls, in this process or another."""

import math
import warnings
from dataclasses import replace

import numpy as np

from keras_lottery.arms import arms
from keras_lottery.engine.progress import NoProgress, RunProgress
from keras_lottery.errors import DivergedError
from keras_lottery.types import DIVERGED, Outcome, RunView, Start, Training


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
        """Returns what the training brought; one that diverged says so, with a warning."""
        start = Start({})
        try:
            start = arms[training.arm].start(training, self._run)
            with self._progress.training(training) as progress:
                outcome = self._run.task.fit(training, start, progress)
        except DivergedError as error:
            _warn(training, str(error))
            return _nothing(training, start)
        outcome = replace(outcome, metrics=start.metrics | outcome.metrics)
        if problem := not_finite(outcome):
            _warn(training, f"{problem} is not finite.")
            outcome.status = DIVERGED
        return outcome


def not_finite(outcome: Outcome) -> str:
    """Returns what of an outcome is infinite or NaN; empty where all is finite."""
    for path, value in outcome.weights.items():
        if not np.isfinite(value).all():
            return path
    last = outcome.history[-1] if outcome.history else {}
    values = {"its last loss": last.get("loss", 0.0), "its metric": outcome.final_value}
    return next((name for name, value in values.items() if not math.isfinite(value)), "")


def _nothing(training: Training, start: Start) -> Outcome:
    """Returns the outcome of a training that was broken off."""
    nan = float("nan")
    return Outcome(training, start, {}, None, 0, 0.0, 0.0, nan, nan, 0, status=DIVERGED)


def _warn(training: Training, problem: str) -> None:
    warnings.warn(
        f"Seed {training.seed}, round {training.round}, {training.arm} diverged: {problem} "
        "What descends from it is skipped; the others go on.",
        stacklevel=2,
    )
