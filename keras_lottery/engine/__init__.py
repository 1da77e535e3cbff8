"""Runs an experiment: which trainings are ready, who trains them, what is written down."""

from keras_lottery.engine.executors import executors
from keras_lottery.engine.run import run

__all__ = ["executors", "run"]
