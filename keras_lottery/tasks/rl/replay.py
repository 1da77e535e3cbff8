"""The replay buffer: every frame is stored once, in preallocated rings."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_lottery.tasks.rl.environments.games import Played
from keras_lottery.tasks.rl.environments.spaces import GameSpec
from keras_lottery.types import State


@dataclass(frozen=True)
class Transitions:
    """Transitions; each array has the leading axes `(steps, batch)`.

    Args:
        observations: of the transitions' first frames.
        actions: taken there.
        rewards: discounted sum over the next n frames, or up to the end of the episode.
        discounts: factor of the next value, with one power of γ less than frames in between,
            since TF-Agents multiplies by γ once more; 0 after termination.
        next_observations: of the transitions' last frames.
    """

    observations: NDArray[Any]
    actions: NDArray[np.int32]
    rewards: NDArray[np.float32]
    discounts: NDArray[np.float32]
    next_observations: NDArray[Any]

    def arrays(self) -> tuple[NDArray[Any], ...]:
        """Returns the arrays in this order."""
        return (
            self.observations,
            self.actions,
            self.rewards,
            self.discounts,
            self.next_observations,
        )


class Replay:
    """A ring of rows, each with one frame of every environment.

    The final frame of an episode has its own row, without an action. So a truncated episode has
    the frame that its value is bootstrapped from, and no frame is stored twice.

    Args:
        spec: shapes of the environment.
        games: number of parallel environments.
        capacity: total number of frames.
        gamma: discount.
        n_step: number of rewards that are summed.
    """

    def __init__(
        self, spec: GameSpec, games: int, capacity: int, gamma: float, n_step: int = 1
    ) -> None:
        rows = max(-(-capacity // games), n_step + spec.stack + 2)
        self._spec = spec
        self._gamma = gamma
        self._n = n_step
        self._rows = rows
        self.games = games
        shape = (rows, games)
        self._frames = np.zeros((*shape, *spec.frame), spec.dtype)
        self._actions = np.zeros(shape, np.int32)
        self._rewards = np.zeros(shape, np.float32)
        self._terminated = np.zeros(shape, bool)
        self._acted = np.zeros(shape, bool)
        self._age = np.zeros(shape, np.uint8)
        self.clear()

    def clear(self) -> None:
        """Empties the buffer."""
        self._next = 0
        self._size = 0

    def begin(self, frames: NDArray[Any]) -> None:
        """Stores the first frames after a reset of all environments."""
        self._write(frames, np.ones(len(frames), bool))

    def add(self, actions: NDArray[np.int64], rewards: NDArray[np.float32], played: Played) -> None:
        """Stores the actions at the last frames, and the frames that followed.

        Args:
            actions: one per environment; ignored if the step only started the next episode.
            rewards: training rewards, one per environment.
            played: the result of the step.
        """
        row = (self._next - 1) % self._rows
        self._actions[row] = actions
        self._rewards[row] = rewards
        self._terminated[row] = played.terminated
        self._acted[row] = played.stepped
        self._write(played.frames, played.first)

    def _write(self, frames: NDArray[Any], first: NDArray[np.bool_]) -> None:
        row, before = self._next, (self._next - 1) % self._rows
        self._frames[row] = frames
        self._acted[row] = False
        age = np.minimum(self._age[before], 254) + 1 if self._size else 0
        self._age[row] = np.where(first, 0, age)
        self._next = (row + 1) % self._rows
        self._size = min(self._size + 1, self._rows)

    @property
    def frames(self) -> int:
        """Number of stored frames."""
        return self._size * self._frames.shape[1]

    def ready(self, least: int) -> bool:
        """Returns True if it has this many frames, and at least one whole transition."""
        return self.frames >= least and self._size > self._n + self._spec.stack

    @property
    def capacity(self) -> int:
        """Maximum number of frames."""
        return self._rows * self.games

    @property
    def nbytes(self) -> int:
        """Size of the frames in bytes."""
        return self._frames.nbytes

    def sample(self, steps: int, batch: int, rng: np.random.Generator) -> Transitions:
        """Returns transitions sampled uniformly, with replacement."""
        rows, games = self._choose(steps * batch, rng)
        rewards = np.zeros(len(rows), np.float32)
        going = np.ones(len(rows), bool)
        ended = np.zeros(len(rows), bool)
        last = rows.copy()
        discounts = np.ones(len(rows), np.float32)
        for ahead in range(self._n):
            row = (rows + ahead) % self._rows
            going = going & self._acted[row, games]
            rewards += np.where(going, self._gamma**ahead * self._rewards[row, games], 0)
            last = np.where(going, (row + 1) % self._rows, last)
            discounts = np.where(going, np.float32(self._gamma**ahead), discounts)
            ended |= going & self._terminated[row, games]
            going &= ~ended
        shape = (steps, batch)
        return Transitions(
            self._observations(rows, games).reshape(*shape, *self._spec.shape),
            self._actions[rows, games].reshape(shape),
            rewards.astype(np.float32).reshape(shape),
            np.where(ended, np.float32(0), discounts).astype(np.float32).reshape(shape),
            self._observations(last, games).reshape(*shape, *self._spec.shape),
        )

    def _choose(
        self, count: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Samples rows with an action whose transitions are complete in the ring."""
        full = self._size == self._rows
        oldest = (self._next if full else 0) + (self._spec.stack - 1 if full else 0)
        span = self._size - (self._spec.stack - 1 if full else 0) - self._n
        games = self._frames.shape[1]
        found_rows, found_games, found = [], [], 0
        while found < count:
            drawn = rng.integers(0, span * games, count + count // 4)
            rows, lanes = (oldest + drawn // games) % self._rows, drawn % games
            good = self._acted[rows, lanes]
            found_rows.append(rows[good])
            found_games.append(lanes[good])
            found += int(good.sum())
        return np.concatenate(found_rows)[:count], np.concatenate(found_games)[:count]

    def _observations(self, rows: NDArray[np.int64], games: NDArray[np.int64]) -> NDArray[Any]:
        if self._spec.stack == 1:
            return self._frames[rows, games]
        age = self._age[rows, games].astype(np.int64)
        backs = np.arange(self._spec.stack - 1, -1, -1)
        stacked = np.empty((len(rows), *self._spec.shape), self._spec.dtype)
        for place, back in enumerate(backs):
            stacked[..., place] = self._frames[(rows - np.minimum(back, age)) % self._rows, games]
        return stacked

    def capture(self) -> State:
        """Returns the whole content."""
        rings = {f"replay/{name}": ring.copy() for name, ring in self._rings().items()}
        return rings | {"replay/place": np.array([self._next, self._size])}

    def restore(self, state: State) -> None:
        """Restores the content that `capture` returned."""
        for name, ring in self._rings().items():
            ring[:] = state[f"replay/{name}"]
        self._next, self._size = map(int, state["replay/place"])

    def _rings(self) -> dict[str, NDArray[Any]]:
        return {
            "frames": self._frames,
            "actions": self._actions,
            "rewards": self._rewards,
            "terminated": self._terminated,
            "acted": self._acted,
            "age": self._age,
        }
