"""The shapes of an environment, and gymnasium's spaces: one array to observe, actions from 0."""

from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from keras_lottery.errors import LotteryError


@dataclass(frozen=True)
class GameSpec:
    """Shapes and sizes of an environment.

    Args:
        frame: shape of one frame.
        dtype: `float32` or `uint8`.
        actions: number of actions.
        time_limit: frames after which an episode is truncated; 0: never.
        stack: frames per observation; if more than 1, they are its last axis.
    """

    frame: tuple[int, ...]
    dtype: str
    actions: int
    time_limit: int
    stack: int = 1

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of an observation."""
        return (*self.frame, self.stack) if self.stack > 1 else self.frame


Env = gymnasium.Env[Any, Any]

CATEGORIES = (spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)
"""Categorical observations, which are one-hot encoded."""


def playable(env: Env, name: str) -> Env:
    """Returns an environment with actions from 0 and one array of numbers as observation.

    Raises:
        LotteryError: its actions are not a finite set, or its observations are not an array.
    """
    actions = env.action_space
    if not isinstance(actions, spaces.Discrete):
        raise LotteryError(
            "Expected an environment with a finite set of actions, each of which DQN evaluates. "
            f"Received: {name!r}, whose actions are {actions}. Choose another one."
        )
    if isinstance(env.observation_space, CATEGORIES):
        env = gymnasium.wrappers.FlattenObservation(env)
    if not isinstance(env.observation_space, spaces.Box):
        raise LotteryError(
            "Expected an environment whose observations are one array of numbers. "
            f"Received: {name!r}, whose observations are {env.observation_space}. Wrap it, e.g. in "
            "gymnasium.wrappers.FlattenObservation, and name the function that returns it as "
            "'module:function'."
        )
    start = int(actions.start)
    if not start:
        return env
    return gymnasium.wrappers.TransformAction(
        env, lambda action: action + start, spaces.Discrete(int(actions.n))
    )


def frame_dtype(space: gymnasium.Space[Any]) -> str:
    """Returns `uint8` for integers in its range, otherwise `float32`."""
    if space.dtype == np.bool_:
        return "uint8"
    if not isinstance(space, spaces.Box) or not np.issubdtype(space.dtype, np.integer):
        return "float32"
    fits = bool((space.low >= 0).all() and (space.high <= 255).all())
    return "uint8" if fits else "float32"


def time_limit(env: Env) -> int:
    """Returns the frames after which an environment truncates an episode; 0: never."""
    if env.spec is not None and env.spec.max_episode_steps:
        return env.spec.max_episode_steps
    while isinstance(env, gymnasium.Wrapper):
        if isinstance(env, gymnasium.wrappers.TimeLimit):
            return int(env._max_episode_steps)
        env = env.env
    return 0
