"""Runs an experiment: which trainings are ready, who trains them, what is written down."""

from keras_lottery.engine.executors import executors
from keras_lottery.engine.run import check_rewind, opened, run, train_all

__all__ = ["check_rewind", "executors", "opened", "run", "train_all"]
