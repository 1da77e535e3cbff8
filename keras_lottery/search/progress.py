"""Progress of one training of a search."""

import math
from typing import Any

from keras_lottery.protocols import Progress
from keras_lottery.training.step_callback import StepCallback


class ProgressCallback(StepCallback):
    """Reports steps if the number of steps per epoch is known, and epochs otherwise."""

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self._progress = progress
        self._loss = math.nan

    def on_first_epoch(self, epoch: int) -> None:
        left = self.steps_left(epoch)
        self._steps = None if left is None else self._step + left

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._loss = float((logs or {}).get("loss", math.nan))
        super().on_train_batch_end(batch, logs)

    def on_steps_end(self, last: int, step: int) -> None:
        if self._steps:
            self._progress.update(step, self._steps, self._loss)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        epochs = (self.params or {}).get("epochs")
        if not self._steps and epochs:
            self._progress.update(epoch + 1, int(epochs), self._loss)
