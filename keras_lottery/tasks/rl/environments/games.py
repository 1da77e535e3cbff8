"""Several games of one kind, played in step."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError
from keras_lottery.tasks.rl.environments.spec import GameSpec

LOST_LIFE = "lost_life"
"""Key of `info` that says that a life was lost, where that is an end for what is learned."""


@dataclass(frozen=True)
class Played:
    """What one step of all games brought; every array has one entry a game.

    Args:
        frames: the new frame.
        rewards: as the environment gives them.
        terminated: the game has come to its end, or a life was lost where that counts as one: the
            value of what follows is 0.
        over: no further frame of this game follows, for its end or for the time limit.
        stepped: False where the last step ended a game, so that this one began the next.
        first: the frame is the first of its game.
    """

    frames: NDArray[Any]
    rewards: NDArray[np.float32]
    terminated: NDArray[np.bool_]
    over: NDArray[np.bool_]
    stepped: NDArray[np.bool_]
    first: NDArray[np.bool_]


# gymnasium's SyncVectorEnv resets alike, but converts frames of a wrong shape or range silently,
# and its errors do not say which game failed.
class Games:
    """Plays games side by side; one that is over begins anew in the next step.

    Args:
        make: returns a new environment.
        spec: its shapes.
        count: how many are played.
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
        """Begins all games anew and returns their first frames, `(games, *frame)`.

        Args:
            seeds: one a game.
        """
        for index, env in enumerate(self._envs):
            self._begin(index, env, int(seeds[index]))
        self._over[:] = False
        return self._frames.copy()

    def step(self, actions: NDArray[np.int64]) -> Played:
        """Plays one step in every game.

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

    def close(self) -> None:
        """Closes the environments."""
        for env in self._envs:
            env.close()

    def _begin(self, index: int, env: gymnasium.Env[Any, Any], seed: int | None) -> None:
        try:
            frame = env.reset(seed=seed)[0]
        except Exception as error:
            raise self._died(index, error) from error
        self._store(index, frame)

    def _store(self, index: int, frame: Any) -> None:
        """Keeps a frame, in the shape and range that the environment promised.

        Raises:
            LotteryError: it has others, which NumPy would broadcast or wrap.
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
            f"Expected observations of the environment {self._name!r} as its space says, "
            f"{spec.dtype} of shape {spec.frame}. Received, from game {index} of {self.count} "
            f"after {self._steps} steps: {received}. Mend its observation_space."
        )

    def _play(self, index: int, env: gymnasium.Env[Any, Any], action: int) -> Any:
        try:
            return env.step(action)
        except Exception as error:  # whatever an environment raises
            raise self._died(index, error) from error

    def _died(self, index: int, error: Exception) -> LotteryError:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        return LotteryError(
            f"Expected the environment {self._name!r} to go on. Received, from game {index} of "
            f"{self.count} after {self._steps} steps: {reason} Finished trainings are kept; mend "
            "the environment and run the same command to go on."
        )
