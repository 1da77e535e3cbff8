"""Several environments of one kind, stepped together."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError
from keras_lottery.tasks.rl.environments.spaces import GameSpec

LOST_LIFE = "lost_life"
"""Key of `info` for a lost life, if that counts as termination in training."""


@dataclass(frozen=True)
class Played:
    """The result of one step of all environments; every array has one entry per environment.

    Args:
        frames: the new frame.
        rewards: as returned by the environment.
        terminated: the episode has terminated, or a life was lost and that counts as termination:
            the next value is 0.
        over: the episode has terminated or was truncated.
        stepped: False if the last step ended an episode, so that this step was a reset.
        first: the frame is the first of its episode.
    """

    frames: NDArray[Any]
    rewards: NDArray[np.float32]
    terminated: NDArray[np.bool_]
    over: NDArray[np.bool_]
    stepped: NDArray[np.bool_]
    first: NDArray[np.bool_]


# gymnasium's SyncVectorEnv resets the same way, but silently converts frames of a wrong shape or
# range, and its errors don't say which environment failed.
class Games:
    """Vectorized environments; a finished one is reset in the next step.

    Args:
        make: returns a new environment.
        spec: its shapes.
        count: number of environments.
        name: of the environment, for errors.
    """

    def __init__(
        self, make: Callable[[], gymnasium.Env[Any, Any]], spec: GameSpec, count: int, name: str
    ) -> None:
        self.spec = spec
        self.count = count
        self._name = name
        self._envs = [make() for _ in range(count)]
        self._frames = np.zeros((count, *spec.frame), spec.dtype)
        self._over = np.zeros(count, bool)
        self._steps = 0
        self._limit = spec.time_limit

    def reset(self, seeds: NDArray[np.int64]) -> NDArray[Any]:
        """Resets all environments and returns their first frames, `(games, *frame)`.

        Args:
            seeds: one per environment.
        """
        for index, env in enumerate(self._envs):
            self._begin(index, env, int(seeds[index]))
        self._over[:] = False
        return self._frames.copy()

    def step(self, actions: NDArray[np.int64]) -> Played:
        """Takes one step in every environment.

        Raises:
            LotteryError: an environment fails.
        """
        count = self.count
        rewards = np.zeros(count, np.float32)
        terminated, over = np.zeros(count, bool), np.zeros(count, bool)
        first = self._over.copy()
        for index, env in enumerate(self._envs):
            if first[index]:
                self._begin(index, env, None)
                continue
            frame, reward, ended, cut, info = self._play(index, env, int(actions[index]))
            self._store(index, frame)
            rewards[index] = reward
            terminated[index] = ended or bool(info.get(LOST_LIFE, False))
            over[index] = ended or cut
        self._over = over
        self._steps += 1
        return Played(self._frames.copy(), rewards, terminated, over, ~first, first)

    def _begin(self, index: int, env: gymnasium.Env[Any, Any], seed: int | None) -> None:
        try:
            frame = env.reset(seed=seed)[0]
        except Exception as error:
            raise self._died(index, error) from error
        self._store(index, frame)

    def _store(self, index: int, frame: Any) -> None:
        """Stores a frame with the shape and range of the environment's spec.

        Raises:
            LotteryError: it has another shape or range, which NumPy would broadcast or wrap.
        """
        frame, dtype = np.asarray(frame), self._frames.dtype
        if frame.shape != self.spec.frame:
            raise self._unlike(index, f"one of shape {frame.shape}")
        if frame.dtype != dtype == np.uint8:
            wrong = frame[(frame < 0) | (frame > 255) | (frame != np.floor(frame))]
            if wrong.size:
                raise self._unlike(index, f"the number {wrong.flat[0]}")
        self._frames[index] = frame

    def _unlike(self, index: int, received: str) -> LotteryError:
        spec = self.spec
        return LotteryError(
            f"Expected observations of the environment {self._name!r} that match its space, "
            f"{spec.dtype} of shape {spec.frame}. Received, from game {index} of {self.count} "
            f"after {self._steps} steps: {received}. Fix its observation_space."
        )

    def _play(self, index: int, env: gymnasium.Env[Any, Any], action: int) -> Any:
        try:
            return env.step(action)
        except Exception as error:  # environments may raise anything
            raise self._died(index, error) from error

    def _died(self, index: int, error: Exception) -> LotteryError:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        return LotteryError(
            f"Expected the environment {self._name!r} to run. Received, from game {index} of "
            f"{self.count} after {self._steps} steps: {reason} Finished trainings are kept; fix "
            "the environment and run the same command to resume."
        )
