"""A task whose trainings behave as their arm's name says, in any process."""

import os
import signal
import warnings
from pathlib import Path

from keras_lottery.config import TaskSchema, task_schemas
from keras_lottery.errors import LotteryError
from keras_lottery.tasks.vision.config import VisionData, VisionModel
from keras_lottery.types import TrainingResult


class OddTask:
    """Trains nothing."""

    def __init__(self, config):
        self._folder = Path(config.data.dir)
        if (self._folder / "no_data").exists():
            raise LotteryError("Expected data. Received: none.")

    def fit(self, training, start, progress):
        progress.update(1, 2, 0.5)
        extra = getattr(self, training.arm, lambda: None)()
        warnings.warn(f"{training.arm} is odd", stacklevel=1)
        metrics = {"pid": os.getpid(), "cores": len(os.sched_getaffinity(0))}
        test = {"loss": 0.5}
        return TrainingResult(start.weights, extra, 2, 0.0, 0.0, test, test, 0, metrics=metrics)

    def killed_once(self):
        marker = self._folder / "killed"
        if not marker.exists():
            marker.touch()
            self.killed()

    def killed(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def refused(self):
        raise LotteryError("Expected patience. Received: none.")

    def unsendable(self):
        return lambda: None

    def exits(self):
        raise SystemExit(1)

    def failed(self):
        raise KeyError("nothing of the kind")


task_schemas.add("odd", TaskSchema(VisionData, VisionModel, f"{__name__}:OddTask"))
