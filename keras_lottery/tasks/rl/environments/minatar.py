"""MinAtar: small versions of five Atari games, 10 × 10 with one channel per kind of object."""

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import MissingExtraError
from keras_lottery.tasks.rl.config import RLData
from keras_lottery.tasks.rl.environments.registry import Kind

TIME_LIMIT = 5000
"""Frames after which an episode is truncated (ours); MinAtar has no limit."""


class MinAtarGame(gymnasium.Env[NDArray[np.uint8], np.int64]):
    """One MinAtar game with its minimal action set.

    Reference:
        Young & Tian 2019, "MinAtar" (1903.03176). Sticky actions with a probability of 0.1 and
        rising difficulty are its own defaults.
    """

    def __init__(self, game: str, sticky_actions: float) -> None:
        try:
            from minatar import Environment
        except ImportError as error:
            raise MissingExtraError("minatar", "rl") from error
        self.game = Environment(game, sticky_action_prob=sticky_actions)
        self._actions = list(self.game.minimal_action_set())
        self.action_space = gymnasium.spaces.Discrete(len(self._actions))
        shape = tuple(self.game.state_shape())
        self.observation_space = gymnasium.spaces.Box(0, 1, shape, np.uint8)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        if seed is not None:
            self.game.seed(seed % 2**32)
            self.game.last_action = 0
        self.game.reset()
        return self._state(), {}

    def step(self, action: Any) -> tuple[NDArray[np.uint8], float, bool, bool, dict[str, Any]]:
        reward, ended = self.game.act(self._actions[int(action)])
        return self._state(), float(reward), bool(ended), False, {}

    def _state(self) -> NDArray[np.uint8]:
        return np.asarray(self.game.state(), np.uint8)


def _make(config: RLData, training: bool) -> gymnasium.Env[Any, Any]:
    game = MinAtarGame(config.name.removeprefix("MinAtar/"), config.sticky_actions)
    return gymnasium.wrappers.TimeLimit(game, config.time_limit or TIME_LIMIT)


MINATAR = Kind(_make, time_limit=TIME_LIMIT)
