"""Games through gymnasium: which there are, without importing it."""

from keras_lottery.tasks.rl.environments.registry import ATARI, MINATAR, environments

__all__ = ["ATARI", "MINATAR", "environments"]
