"""Counting training steps from Keras' batch hooks, also where a hook stands for several."""

from collections.abc import Collection
from typing import Any

import keras

from keras_lottery import masking


class StepCallback(keras.callbacks.Callback):
    """A callback that knows how many steps the training has taken.

    A fit that begins at `initial_epoch`, or at the epoch that `BackupAndRestore` restored, goes on
    with an earlier training, and its count begins at the steps of the epochs before.
    """

    def on_train_begin(self, logs: Any = None) -> None:
        self._begun = False
        self._before = self._step = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if not self._begun:  # the first hook after every callback's on_train_begin, which may load
            self._begun = True
            self._step = self._steps_before(epoch)
            self.on_first_epoch(epoch)
        self._before = self._step

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        last, self._step = self._step, self._before + batch + 1
        self.on_steps_end(last, self._step)

    def on_first_epoch(self, epoch: int) -> None:
        """Is called once in a fit, when checkpoints are loaded and before the first step."""

    def on_steps_end(self, last: int, step: int) -> None:
        """Is called when the steps `last + 1 .. step` are done."""
        raise NotImplementedError

    def stops(self) -> Collection[int]:
        """Returns after how many more steps it must be called; others may be run in one call."""
        return ()

    def steps_per_epoch(self) -> int:
        """Returns the steps of an epoch, 0 where Keras doesn't know them."""
        return int((self.params or {}).get("steps") or 0)

    def steps_left(self, epoch: int) -> int | None:
        """Returns the steps of this fit from the start of an epoch, where Keras knows them."""
        epochs = (self.params or {}).get("epochs")
        if not epochs or not self.steps_per_epoch():
            return None
        return self.steps_per_epoch() * (int(epochs) - epoch)

    def _steps_before(self, epoch: int) -> int:
        """Returns the steps of earlier epochs; the optimizer's count where Keras knows none."""
        if not epoch:
            return 0
        return epoch * self.steps_per_epoch() or masking.iterations(self.model) or 0
