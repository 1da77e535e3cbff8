"""Callbacks for plain `model.fit`, one class a file."""

from keras_lottery.training.callbacks.gradual_pruning import GradualPruning
from keras_lottery.training.callbacks.neuron_equilibrium import NeuronEquilibrium, RandomFreezing
from keras_lottery.training.callbacks.rewind_point import RewindPoint
from keras_lottery.training.callbacks.sparsity_logger import SparsityLogger

__all__ = [
    "GradualPruning",
    "NeuronEquilibrium",
    "RandomFreezing",
    "RewindPoint",
    "SparsityLogger",
]
