"""Atari 2600 through ale-py, with gymnasium's preprocessing."""

from typing import Any

import gymnasium

from keras_lottery.errors import MissingExtraError
from keras_lottery.tasks.rl.config import RLData
from keras_lottery.tasks.rl.environments.games import LOST_LIFE
from keras_lottery.tasks.rl.environments.make import unknown_environment
from keras_lottery.tasks.rl.environments.registry import Kind

SKIP = 4
TIME_LIMIT = 108_000 // SKIP
"""Observations after which an episode is truncated: half an hour of play."""


class LostLives(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Reports lost lives, after which the game goes on."""

    def reset(self, **options: Any) -> tuple[Any, dict[str, Any]]:
        frame, info = self.env.reset(**options)
        self._lives = int(info.get("lives", 0))
        return frame, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        frame, reward, ended, cut, info = self.env.step(action)
        lives = int(info.get("lives", 0))
        lost, self._lives = lives < self._lives, lives
        return frame, reward, ended, cut, info | {LOST_LIFE: lost}


def atari(game: str, sticky_actions: float = 0.0) -> gymnasium.Env[Any, Any]:
    """Returns a game with 84 × 84 grayscale frames, the maximum of the last two of every four.

    Args:
        game: any game of ale-py, e.g. `Breakout`.
        sticky_actions: probability of repeating the previous action.

    Raises:
        LotteryError: ale-py has no such game.
        MissingExtraError: ale-py or OpenCV is not installed.

    Reference:
        Mnih et al. 2015 for the preprocessing; Machado et al. 2018 (1709.06009) for sticky actions.
    """
    try:
        import ale_py
        import cv2  # noqa: F401  needed by the preprocessing
    except ImportError as error:
        raise MissingExtraError(str(error.name), "rl") from error
    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
    gymnasium.register_envs(ale_py)
    name = f"ALE/{game.removesuffix('-v5')}-v5"
    if name not in gymnasium.registry:
        raise unknown_environment(f"ALE/{game}")
    env = gymnasium.make(
        name,
        frameskip=1,
        repeat_action_probability=sticky_actions,
        full_action_space=False,
        disable_env_checker=True,
    )
    return gymnasium.wrappers.AtariPreprocessing(env, noop_max=30, frame_skip=SKIP)


def _make(config: RLData, training: bool) -> gymnasium.Env[Any, Any]:
    env = atari(config.name.removeprefix("ALE/"), config.sticky_actions)
    env = gymnasium.wrappers.TimeLimit(env, config.time_limit or TIME_LIMIT)
    return LostLives(env) if training and config.episodic_life else env


ATARI = Kind(_make, stack=4, time_limit=TIME_LIMIT)
