"""Training: the compiled loop that `fit` and experiments share, its data and optimizers."""

from keras_lottery.training.arrays import kept_for_training
from keras_lottery.training.data import ArrayData, DataOrder, Order, length
from keras_lottery.training.epochs import Epochs, epochs_of, is_arrays, is_one_shot
from keras_lottery.training.fit import fit, prepare
from keras_lottery.training.programs import make_program
from keras_lottery.training.trainer import Trainer

__all__ = [
    "ArrayData",
    "DataOrder",
    "Epochs",
    "Order",
    "Trainer",
    "epochs_of",
    "fit",
    "is_arrays",
    "is_one_shot",
    "kept_for_training",
    "length",
    "make_program",
    "prepare",
]
