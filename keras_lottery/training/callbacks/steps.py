"""Counting optimizer steps from Keras' batch hooks, also where a hook stands for several."""

from collections.abc import Collection
from typing import Any

import keras


class StepCallback(keras.callbacks.Callback):
    """A callback that is told the number of steps done since training began."""

    def on_train_begin(self, logs: Any = None) -> None:
        self._before = 0
        self._step = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._before = self._step

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        last, self._step = self._step, self._before + batch + 1
        self.on_steps_end(last, self._step)

    def on_steps_end(self, last: int, step: int) -> None:
        """Is called when the steps `last + 1 .. step` are done."""
        raise NotImplementedError

    def stops(self) -> Collection[int]:
        """Returns the steps after which it must be called; others may be run in one call."""
        return ()

    def planned_steps(self) -> int | None:
        """Returns the steps of the whole training, where Keras knows them."""
        params = self.params or {}
        if not params.get("steps") or not params.get("epochs"):
            return None
        return int(params["steps"]) * int(params["epochs"])
