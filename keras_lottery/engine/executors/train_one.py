"""Trains one network, in this process or in a worker."""

import math
import warnings
from dataclasses import replace

import numpy as np

from keras_lottery.engine.progress import RunProgress
from keras_lottery.errors import DivergedError
from keras_lottery.protocols import Task
from keras_lottery.types import DIVERGED, Start, Training, TrainingResult


def train(task: Task, training: Training, start: Start, progress: RunProgress) -> TrainingResult:
    """Trains one network; marks it as diverged, with a warning, if it diverges.

    Args:
        task: builds and trains the network.
        training: the training.
        start: its start; nothing else of the run is read.
        progress: shows its progress.
    """
    try:
        with progress.training(training) as shown:
            result = task.fit(training, start, shown)
    except DivergedError as error:
        return diverged(training, str(error))
    return checked(training, result)


def checked(training: Training, result: TrainingResult) -> TrainingResult:
    """Returns the result, marked as diverged with a warning if it isn't finite."""
    if problem := not_finite(result):
        _warn(training, f"{problem} is not finite.")
        return replace(result, status=DIVERGED)
    return result


def diverged(training: Training, problem: str) -> TrainingResult:
    """Returns the result of a diverged training, with a warning."""
    _warn(training, problem)
    return nothing(DIVERGED)


def nothing(status: str) -> TrainingResult:
    """Returns an empty result."""
    return TrainingResult({}, None, 0, 0.0, 0.0, {}, {}, 0, status=status)


def not_finite(result: TrainingResult) -> str:
    """Returns the name of a value that is infinite or NaN; empty if all are finite."""
    for path, value in result.weights.items():
        if not np.isfinite(value).all():
            return path
    last = result.history[-1] if result.history else {}
    values = {
        "its last loss": last.get("loss", 0.0),
        # With finite weights, NaN comes from the data; accuracy counts a NaN output as class 0.
        "its last validation loss": last.get("val_loss", 0.0),
        "its test loss": result.final.get("loss", 0.0),
        "its metric": result.final_value,
    }
    return next((name for name, value in values.items() if not math.isfinite(value)), "")


def _warn(training: Training, problem: str) -> None:
    warnings.warn(
        f"Seed {training.seed}, round {training.round}, {training.arm} diverged: {problem} "
        "Trainings that descend from it are skipped; the others continue.",
        stacklevel=2,
    )
