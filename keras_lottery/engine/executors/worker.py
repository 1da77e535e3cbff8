"""What a worker does: trains one network, in this process or another."""

import math
import warnings
from dataclasses import replace

import numpy as np

from keras_lottery.engine.progress import RunProgress
from keras_lottery.errors import DivergedError
from keras_lottery.types import DIVERGED, Outcome, Start, Task, Training


def train(task: Task, training: Training, start: Start, progress: RunProgress) -> Outcome:
    """Trains one network; one that diverges is marked as such, with a warning.

    Args:
        task: builds and trains the network.
        training: which one.
        start: where it starts. Nothing else of the run is read.
        progress: shows how far the training is.
    """
    try:
        with progress.training(training) as shown:
            outcome = task.fit(training, start, shown)
    except DivergedError as error:
        return diverged(training, start, str(error))
    outcome = replace(outcome, metrics=start.metrics | outcome.metrics)
    if problem := not_finite(outcome):
        _warn(training, f"{problem} is not finite.")
        outcome.status = DIVERGED
    return outcome


def diverged(training: Training, start: Start, problem: str) -> Outcome:
    """Returns the outcome of a training that was broken off, with a warning."""
    _warn(training, problem)
    nan = float("nan")
    return Outcome(training, start, {}, None, 0, 0.0, 0.0, nan, nan, 0, status=DIVERGED)


def not_finite(outcome: Outcome) -> str:
    """Returns the name of a value that is infinite or NaN; empty where all are finite."""
    for path, value in outcome.weights.items():
        if not np.isfinite(value).all():
            return path
    last = outcome.history[-1] if outcome.history else {}
    values = {"its last loss": last.get("loss", 0.0), "its metric": outcome.final_value}
    return next((name for name, value in values.items() if not math.isfinite(value)), "")


def _warn(training: Training, problem: str) -> None:
    warnings.warn(
        f"Seed {training.seed}, round {training.round}, {training.arm} diverged: {problem} "
        "What descends from it is skipped; the others go on.",
        stacklevel=2,
    )
