"""Runs an experiment: which trainings are ready, who trains them, what is written down."""

from keras_lottery.engine.executors import executors
from keras_lottery.engine.run import opened, run, train_all

__all__ = ["executors", "opened", "run", "train_all"]
