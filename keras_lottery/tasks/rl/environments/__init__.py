"""Environments through gymnasium; listing them doesn't import it."""

from keras_lottery.tasks.rl.environments.registry import ATARI, MINATAR, environments

__all__ = ["ATARI", "MINATAR", "environments"]
