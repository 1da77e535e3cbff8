"""Training: the custom fit loop, rewinding, and callbacks for Keras' own."""

from keras_lottery.training.callbacks import RewindPoint
from keras_lottery.training.data import ArrayData, DataOrder, Order, length
from keras_lottery.training.fit import fit, is_arrays, prepare
from keras_lottery.training.fitted import Fitted
from keras_lottery.training.programs import make_program
from keras_lottery.training.trainer import Trainer

__all__ = [
    "ArrayData",
    "DataOrder",
    "Fitted",
    "Order",
    "RewindPoint",
    "Trainer",
    "fit",
    "is_arrays",
    "length",
    "make_program",
    "prepare",
]
