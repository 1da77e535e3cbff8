"""The tables that the study writes, in its run folder."""

import math
from dataclasses import dataclass

from keras_lottery.records import TableRow
from keras_lottery.types import FINISHED, STATUSES

TRAININGS, EPOCHS, COUNTS = "trainings.csv", "epochs.csv", "counts.csv"


@dataclass(frozen=True)
class TrainingRow(TableRow):
    """One training that has ended.

    Args:
        seed: seed of the weights and the data order.
        arm: `full`, `equilibrium` or `random`.
        accuracy: on the test set at the end.
        loss: on the test set at the end.
        backprop_flops: floating-point operations of one example's backward pass, mean over epochs;
            without the weight gradients of frozen neurons.
        full_flops: the same with nothing frozen.
        seconds: wall time of the steps of all epochs.
        epoch_seconds: median wall time of an epoch's steps, without compilation.
        choosing_seconds: wall time of choosing the frozen neurons.
        status: `finished`; `diverged` if a weight or a loss is not finite; `skipped` for `random`
            if its `equilibrium` training diverged.
    """

    seed: int
    arm: str
    accuracy: float
    loss: float
    backprop_flops: float
    full_flops: float
    seconds: float
    epoch_seconds: float
    choosing_seconds: float
    status: str = FINISHED

    @property
    def finished(self) -> bool:
        """True if there is a network to compare."""
        return self.status == FINISHED and math.isfinite(self.loss)

    def problem(self) -> str:
        if self.status not in STATUSES:
            return f"expected status {', '.join(STATUSES)}, not {self.status!r}"
        if self.finished and not 0 <= self.accuracy <= 1:
            return f"expected an accuracy from 0 to 1, not {self.accuracy}"
        if self.finished and not 0 < self.full_flops < math.inf:
            return f"expected full_flops above 0, not {self.full_flops}"
        return ""


@dataclass(frozen=True)
class EpochRow(TableRow):
    """One epoch of one training.

    Args:
        seed: of the training.
        arm: of the training.
        epoch: from 1.
        frozen: fraction of the neurons frozen during it.
        backprop_flops: operations of one example's backward pass.
        similarity: mean cosine of the neurons' outputs with those an epoch before; nan if unknown.
        loss: mean training loss.
        validation_accuracy: at its end.
    """

    seed: int
    arm: str
    epoch: int
    frozen: float
    backprop_flops: float
    similarity: float
    loss: float
    validation_accuracy: float

    def problem(self) -> str:
        if self.epoch < 1:
            return f"expected an epoch from 1, not {self.epoch}"
        return "" if 0 <= self.frozen <= 1 else f"expected frozen from 0 to 1, not {self.frozen}"


@dataclass(frozen=True)
class CountRow(TableRow):
    """Neurons of one layer that `equilibrium` froze in one epoch.

    Args:
        seed: of the training.
        epoch: from 1.
        layer: path of the layer.
        frozen: number of frozen neurons.
        neurons: number of neurons.
    """

    seed: int
    epoch: int
    layer: str
    frozen: int
    neurons: int

    def problem(self) -> str:
        if 0 <= self.frozen <= self.neurons and self.neurons:
            return ""
        return f"expected frozen from 0 to neurons = {self.neurons}, not {self.frozen}"
