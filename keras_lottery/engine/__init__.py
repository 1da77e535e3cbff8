"""Runs an experiment: which trainings are ready, who trains them, what is written down."""

from keras_lottery.engine.executors import executors
from keras_lottery.engine.run import check_rewind, make_task, opened, run, train_all

__all__ = ["check_rewind", "executors", "make_task", "opened", "run", "train_all"]
