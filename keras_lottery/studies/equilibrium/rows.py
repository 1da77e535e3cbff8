"""The tables that the study writes, in its run folder."""

from dataclasses import dataclass

from keras_lottery.records import TableRow

TRAININGS, EPOCHS, COUNTS = "trainings.csv", "epochs.csv", "counts.csv"


@dataclass(frozen=True)
class TrainingRow(TableRow):
    """One finished training.

    Args:
        seed: of weights and the order of the data.
        arm: `full`, `equilibrium` or `random`.
        accuracy: on the test set at the end.
        loss: on the test set at the end.
        backprop_flops: floating-point operations of one example's backward pass, mean over epochs;
            without the weight gradients of frozen neurons.
        full_flops: the same with nothing frozen.
        seconds: wall time of the steps of all epochs.
        epoch_seconds: median wall time of an epoch's steps, which compiling does not touch.
        choosing_seconds: wall time of choosing what to freeze.
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


@dataclass(frozen=True)
class CountRow(TableRow):
    """Neurons of one layer that `equilibrium` froze in one epoch.

    Args:
        seed: of the training.
        epoch: from 1.
        layer: path of the layer.
        frozen: how many.
        neurons: of how many.
    """

    seed: int
    epoch: int
    layer: str
    frozen: int
    neurons: int
