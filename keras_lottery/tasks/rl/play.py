"""The loop of collecting and training, from a start to the end of the budget."""

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_lottery.protocols import Progress
from keras_lottery.tasks.rl.agents import Agent
from keras_lottery.tasks.rl.budget import Point
from keras_lottery.tasks.rl.config import RLData
from keras_lottery.tasks.rl.environments.games import Games, Played
from keras_lottery.types import State

# Each purpose has its own stream of random numbers, so that none shifts another.
_GAMES, _EXPLORATION, _REPLAY = range(3)


@dataclass(frozen=True)
class Plan:
    """The schedule of one training.

    Args:
        step: training step at which it starts.
        games: games that count as finished at its start.
        end: where it ends.
        rewind: where environments, random numbers and replay buffer are reset; None if the
            training doesn't pass the rewind point.
        capture: capture the state there.
        every: training steps between the rows of the history.
        seed: of environments, exploration and sampling.
        phase: 0 from the start, 1 from the rewind point on; each has its own random numbers.
    """

    step: int
    games: int
    end: Point
    rewind: Point | None
    capture: bool
    every: int
    seed: int
    phase: int


@dataclass
class Learned:
    """The result of a training.

    Args:
        returns: of the finished games, in order.
        unfinished: sums of rewards of the other games.
        step: training steps, including those before the start.
        frames: frames played.
        rewind: full state at the rewind point.
        history: one row per evaluation.
        seconds: wall time.
    """

    returns: list[float] = field(default_factory=list)
    unfinished: list[float] = field(default_factory=list)
    step: int = 0
    frames: int = 0
    rewind: State | None = None
    history: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0

    def mean_return(self, window: int) -> float:
        """Returns the mean return of the last games; of unfinished ones if none is finished."""
        return float(np.mean(self.returns[-window:] or self.unfinished or [0.0]))


class Stacks:
    """Stacks the last frames of every environment."""

    def __init__(self, games: Games) -> None:
        self._spec = games.spec
        self._now: NDArray[Any] = np.zeros((games.count, *games.spec.shape), games.spec.dtype)

    def begin(self, frames: NDArray[Any]) -> NDArray[Any]:
        """Returns the observations after a reset with these frames."""
        self._now = frames if self._spec.stack == 1 else _repeated(frames, self._spec.stack)
        return self._now

    def add(self, played: Played) -> NDArray[Any]:
        """Returns the observations after one more frame of every environment."""
        if self._spec.stack == 1:
            return played.frames
        now = np.concatenate([self._now[..., 1:], played.frames[..., None]], axis=-1)
        if played.first.any():
            now[played.first] = _repeated(played.frames[played.first], self._spec.stack)
        self._now = now
        return now


def _repeated(frames: NDArray[Any], times: int) -> NDArray[Any]:
    return np.repeat(frames[..., None], times, axis=-1)


class Play:
    """One training.

    Args:
        agent: restored to the start.
        games: the environments.
        data: rewards and window.
        plan: the schedule.
    """

    def __init__(self, agent: Agent, games: Games, data: RLData, plan: Plan) -> None:
        self._agent = agent
        self._games = games
        self._data = data
        self._plan = plan
        self._stacks = Stacks(games)
        self._running = np.zeros(games.count)
        self._over = plan.games
        self._learned = Learned(step=plan.step)
        self._pending = plan.rewind

    def run(self, progress: Progress) -> Learned:
        """Collects and trains to the end."""
        began, learned, plan = time.perf_counter(), self._learned, self._plan
        self._begin(plan.phase)
        while not plan.end.reached(learned.step, self._over):
            steps = self._steps_now()
            self._owed += steps * self._agent.frames_per_step
            while self._owed > 0:
                self._owed -= self._round()
            self._agent.learn(steps, self._observations, self._drawn)
            learned.step += steps
            self._look(progress)
        learned.unfinished = self._running.tolist()
        learned.seconds = time.perf_counter() - began
        return learned

    def _steps_now(self) -> int:
        """Returns the number of steps of the next call, up to the next event."""
        step, plan = self._learned.step, self._plan
        stops = [plan.every - step % plan.every, self._agent.steps_a_call]
        for stop in (plan.end, self._pending):
            if stop is not None and not stop.in_games:
                stops.append(stop.count - step)
        return max(min(stops), 1)

    def _begin(self, phase: int) -> None:
        """Resets all environments and random numbers."""
        seeds, explored, drawn = (
            np.random.SeedSequence([self._plan.seed, phase, stream])
            for stream in (_GAMES, _EXPLORATION, _REPLAY)
        )
        self._explored, self._drawn = np.random.default_rng(explored), np.random.default_rng(drawn)
        frames = self._games.reset(seeds.generate_state(self._games.count).astype(np.int64))
        self._running[:] = 0
        self._owed = 0
        self._observations = self._stacks.begin(frames)
        self._agent.begin(frames)

    def _round(self) -> int:
        """Takes one step in every environment; returns the number of frames that count."""
        learned = self._learned
        done = self._plan.end.progress(learned.step, self._over)
        actions = self._agent.act(self._observations, done, self._explored)
        played = self._games.step(actions)
        self._agent.note(actions, self._training_rewards(played.rewards), played)
        self._observations = self._stacks.add(played)
        self._running += played.rewards
        for index in np.flatnonzero(played.over):
            learned.returns.append(float(self._running[index]))
            self._running[index] = 0
            self._over += 1
        frames = int(played.stepped.sum())
        learned.frames += frames
        return self._games.count if self._agent.whole_rounds else frames

    def _training_rewards(self, rewards: NDArray[np.float32]) -> NDArray[np.float32]:
        if self._data.clip_rewards:
            rewards = np.clip(rewards, -1, 1)
        return (rewards * self._data.reward_scale).astype(np.float32)

    def _look(self, progress: Progress) -> None:
        """Handles the events of this step: the rewind point, a row of the history."""
        learned, plan = self._learned, self._plan
        if self._pending is not None and self._pending.reached(learned.step, self._over):
            if self._pending.in_games:  # several can end at once, but tickets start at the point
                self._over = self._pending.count
            self._pending = None
            if plan.capture:
                learned.rewind = self._agent.capture(learned.step, 0)
            self._agent.forget()
            self._begin(1)
        ended = plan.end.reached(learned.step, self._over)
        if learned.step % plan.every and not ended:
            return
        learned.unfinished = self._running.tolist()
        row = {
            "step": learned.step,
            "frames": learned.frames,
            "games": self._over,
            "return": learned.mean_return(self._data.window),
        }
        row |= self._agent.logs()
        learned.history.append(row)
        position, of = learned.step, plan.end.count
        if plan.end.in_games:
            position = min(self._over, of)
        progress.update(position, of, row.get("loss", float("nan")))


def played_greedily(agent: Agent, games: Games, seeds: NDArray[np.int64]) -> list[float]:
    """Returns the return of one greedy episode per seed.

    Args:
        agent: with the weights to evaluate.
        games: as many environments as seeds.
        seeds: of the environments.
    """
    stacks = Stacks(games)
    observations = stacks.begin(games.reset(seeds))
    returns, playing = np.zeros(games.count), np.ones(games.count, bool)
    limit = games.spec.time_limit or 10**9
    for _ in range(limit):
        played = games.step(agent.greedy(observations))
        returns += np.where(playing, played.rewards, 0)
        playing &= ~played.over
        if not playing.any():
            break
        observations = stacks.add(played)
    return [float(value) for value in returns]
