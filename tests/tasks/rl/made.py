"""A small agent, and a game whose results can be worked out by hand."""

from types import SimpleNamespace

import gymnasium
import numpy as np

import keras_lottery.tasks  # noqa: F401  registers the task
from keras_lottery.arms import starts
from keras_lottery.config import Config, freeze
from keras_lottery.tasks.rl.config import RLData
from keras_lottery.tasks.rl.environments.games import Games
from keras_lottery.tasks.rl.environments.make import maker
from keras_lottery.types import Start, Training


class Counting(gymnasium.Env):
    """Counts its steps; ends of itself after `ends`, and a step's reward is the count.

    A frame is (number of the game, count); the action 1 in the frame `dies_at` is an error.
    """

    def __init__(self, ends: int = 0, dies_at: int = -1) -> None:
        self.observation_space = gymnasium.spaces.Box(0, 255, (2,), np.uint8)
        self.action_space = gymnasium.spaces.Discrete(2)
        self.game, self.count, self.ends, self.dies_at = 0, 0, ends, dies_at
        self.seeds = []

    def reset(self, *, seed=None, options=None):
        self.seeds.append(seed)
        self.game, self.count = self.game + 1, 0
        return self._frame(), {}

    def step(self, action):
        self.count += 1
        if self.count == self.dies_at:
            raise RuntimeError("the game broke\ninto two")
        return self._frame(), float(self.count), self.count == self.ends, False, {}

    def _frame(self):
        return np.array([self.game, self.count], np.uint8)


class Silent:
    def update(self, step: int, of: int, loss: float) -> None:
        """Says nothing."""


BASE = {
    "name": "made",
    "task": "rl",
    "backend": "tensorflow",
    "data": {"name": "CartPole-v1", "envs": 2, "epoch": 80, "eval_games": 2, "window": 5},
    "model": {"hidden": (8, 8)},
    "optimizer": {"learning_rate": 0.01},
    "train": {"length": "4ep", "batch_size": 8, "eval_every": 20, "jit": "false"},
    "prune": {"rate": 0.5, "rounds": 2, "biases": True},
    "rewind": {"to": "1ep"},
}
DQN = {"learning_starts": 20, "updates_per_call": 4, "target_tau": 0.1, "target_period": 1}


def config(**sections) -> Config:
    """Sections are laid over the small agent's; `dqn` over its algorithm's, which others lack."""
    base = {k: dict(v) if isinstance(v, dict) else v for k, v in BASE.items()}
    base["model"]["dqn"] = DQN | sections.pop("dqn", {})
    for name, fields in sections.items():
        base[name] = base[name] | fields if isinstance(fields, dict) else fields
    if base["model"].get("algorithm", "dqn") != "dqn":
        del base["model"]["dqn"], base["train"]["batch_size"]
    return freeze(base)


def training(round_number: int = 0, arm: str = "dense") -> Training:
    return Training("", "rl", 0, round_number, arm)


def rewound(task, state, masks=None) -> Start:
    """Where a ticket starts that is rewound as the task's config says."""
    return starts.from_state(
        training(1, "winning"), SimpleNamespace(config=task.config), masks or {}, state
    )


def games_of(name, count=2, training=True, **fields):
    made = maker(RLData(name=name, **fields))
    return Games(lambda: made.make(training), made.spec, count, name)


def played(games, steps, seed=0):
    rng = np.random.default_rng(seed)
    found = [games.reset(np.arange(games.count) + seed)]
    for _ in range(steps):
        found.append(games.step(rng.integers(0, games.spec.actions, games.count)).frames)
    return np.stack(found)
