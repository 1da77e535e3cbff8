"""Capturing the state of a training at a step, and rewinding to it."""

from collections.abc import Collection
from typing import Any

from keras_lottery import checks, masking
from keras_lottery.config.duration import Duration
from keras_lottery.errors import LotteryError
from keras_lottery.training import checkpoint
from keras_lottery.training.step_callback import StepCallback
from keras_lottery.types import State


class RewindPoint(StepCallback):
    """Captures the full state of a training: weights, scores, optimizer, statistics and seeds.

    Args:
        at: `0it`, `500it` (steps) or `1ep` (epochs) after the start of training. Epochs before
            `initial_epoch`, or before the epoch restored by `BackupAndRestore`, count: a fit that
            starts at epoch 3 can capture `3ep`, and nothing earlier.

    Attributes:
        state: the captured state; None before the point is reached.

    Raises:
        LotteryError: the training ends before the point, resumes after it, or passes it inside
            one call of `steps_per_execution` steps.

    Example:
        >>> point = RewindPoint("500it")
        >>> model.fit(x, y, callbacks=[point])
        >>> kl.prune(model, sparsity=0.2)
        >>> point.rewind()

    Reference:
        Frankle et al. 2019, "Stabilizing the lottery ticket hypothesis" (1903.01611).
    """

    def __init__(self, at: str = "0it") -> None:
        super().__init__()
        self.at = Duration.parse(checks.text(at, "at"))
        self.state: State | None = None

    def stops(self) -> Collection[int]:
        return (self.at.count - self._step,) if self.at.unit == "it" else ()

    def on_train_begin(self, logs: Any = None) -> None:
        super().on_train_begin(logs)
        self.state = None

    def on_first_epoch(self, epoch: int) -> None:
        self._epochs = epoch
        reached = self._epochs if self.at.unit == "ep" else self._step
        if self.at.count == reached:
            self._capture()
        elif self.at.count < reached:
            raise LotteryError(
                f"Expected a rewind point that the training has not passed. Received: {self.at}, "
                f"but it resumes at epoch {epoch}. Choose '{epoch}ep' to capture where it resumes."
            )

    def on_steps_end(self, last: int, step: int) -> None:
        if self.at.unit != "it" or not last < self.at.count <= step:
            return
        if step != self.at.count:
            raise LotteryError(
                f"Expected a rewind point between compiled calls. Received: {self.at}, inside the "
                f"call of steps {last + 1} to {step}. Choose a multiple of steps_per_execution."
            )
        self._capture()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._epochs += 1
        if self.at.unit == "ep" and self._epochs == self.at.count:
            self._capture()

    def on_train_end(self, logs: Any = None) -> None:
        if self.state is None and not self.at.count and not self._started:
            self._epochs = 0  # a fit of no epochs
            self._capture()
        if self.state is None:
            raise LotteryError(
                f"Expected a rewind point within the training. Received: {self.at}, but it ended "
                f"at step {self._step}. Choose an earlier point or train for longer."
            )

    def rewind(self) -> None:
        """Restores the captured state; masks and the values of pruned weights stay."""
        if self.state is None:
            raise LotteryError(
                "Expected a training that has passed the rewind point. Received: none. "
                "Call fit with this callback first."
            )
        checkpoint.restore(self.model, self.state)
        if masking.is_masked(self.model) and not masking.is_learned(self.model):
            masking.set_masks(self.model, masking.get_masks(self.model))

    def _capture(self) -> None:
        masking.sync_trainer(self.model)
        optimizer = getattr(self.model, "optimizer", None)
        if optimizer is not None and not optimizer.built:  # on TensorFlow, before the first step
            optimizer.build(self.model.trainable_variables)
        self.state = checkpoint.capture(self.model, self._step, self._epochs)
