"""Counting training steps from Keras' batch hooks, each of which may cover several steps."""

from collections.abc import Collection
from typing import Any

import keras

from keras_lottery import masking

FIRST = "first"
"""The parameter of callbacks with the epoch and the step at which `kl.fit` starts."""


class StepCallback(keras.callbacks.Callback):
    """A callback that counts training steps.

    A fit that starts at `initial_epoch`, at the `initial_step` of `kl.fit` or at the epoch restored
    by `BackupAndRestore` resumes an earlier training, whose steps count.
    """

    def on_train_begin(self, logs: Any = None) -> None:
        self._started = False
        self._before = self._step = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if not self._started:  # after every on_train_begin, which may load a checkpoint
            self._started = True
            self._step = self._steps_before(epoch)
            self.on_first_epoch(epoch)
        self._before = self._step

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        last, self._step = self._step, self._before + batch + 1
        self.on_steps_end(last, self._step)

    def on_first_epoch(self, epoch: int) -> None:
        """Runs once per fit, after checkpoints are loaded and before the first step."""

    def on_steps_end(self, last: int, step: int) -> None:
        """Runs after the steps `last + 1 .. step`."""
        raise NotImplementedError

    def stops(self) -> Collection[int]:
        """Returns after how many more steps the callback must run; other steps may share a call."""
        return ()

    def steps_per_epoch(self) -> int:
        """Returns the steps of an epoch, 0 if Keras doesn't know them."""
        return int((self.params or {}).get("steps") or 0)

    def steps_left(self) -> int | None:
        """Returns the steps until the end of the fit; None if unknown."""
        epochs = (self.params or {}).get("epochs")
        if not epochs or not self.steps_per_epoch():
            return None
        return self.steps_per_epoch() * int(epochs) - self._step

    def _steps_before(self, epoch: int) -> int:
        """Returns the steps before the first one in `epoch`.

        It is the optimizer's count if Keras doesn't know the steps of an epoch.
        """
        started, step = (self.params or {}).get(FIRST, (None, 0))
        if started == epoch:
            return int(step)
        if not epoch:
            return 0
        return epoch * self.steps_per_epoch() or masking.iterations(self.model) or 0
