"""Callbacks for Keras' `fit`: gradual pruning, rewinding, sparsity logs, frozen neurons."""

from keras_lottery.toolkit.callbacks.gradual_pruning import GradualPruning
from keras_lottery.toolkit.callbacks.neuron_equilibrium import NeuronEquilibrium, RandomFreezing
from keras_lottery.toolkit.callbacks.rewind_point import RewindPoint
from keras_lottery.toolkit.callbacks.sparsity_logger import SparsityLogger

__all__ = [
    "GradualPruning",
    "NeuronEquilibrium",
    "RandomFreezing",
    "RewindPoint",
    "SparsityLogger",
]
