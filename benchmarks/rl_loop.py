"""A masked agent's collecting and training loop against the same loop with TF-Agents' QNetwork.

KERAS_BACKEND=tensorflow python -m benchmarks.rl_loop [--pairs 21]
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")  # before TensorFlow, for TF-Agents

import numpy as np

from benchmarks.command import Measured, Options, main
from benchmarks.compare import in_turn, ratios
from benchmarks.rl_qnetwork import QNetworkDqn
from benchmarks.table import Row
from keras_lottery.config import freeze
from keras_lottery.engine.progress import NoProgress
from keras_lottery.tasks.rl.budget import Point
from keras_lottery.tasks.rl.config import RLConfig
from keras_lottery.tasks.rl.dqn import Dqn
from keras_lottery.tasks.rl.play import Plan, Play
from keras_lottery.tasks.rl.task import RLTask
from keras_lottery.types import Start

ABOUT = "Frames and training steps of a masked agent, against TF-Agents' QNetwork."
LIMIT = 1 / 0.95
PAIRS = 21


@dataclass(frozen=True, eq=False)
class Case:
    """One agent and its game.

    Args:
        name: for the table.
        data: section of the config.
        model: likewise.
        batch: examples per training step.
        steps: training steps per timing.
    """

    name: str
    data: dict[str, object]
    model: dict[str, object]
    batch: int
    steps: int

    def task(self) -> RLTask:
        """Returns the task, which creates its agent on first use."""
        train = {"length": f"{self.steps}it", "batch_size": self.batch}
        settings = {"name": "benchmark", "task": "rl", "backend": "tensorflow", "train": train}
        config = freeze(settings | {"data": self.data, "model": self.model})
        return RLTask(cast(RLConfig, config))


def cartpole(games: int, calls: int, steps: int) -> Case:
    """One frame for every training step; `calls` training steps in one compiled call."""
    dqn = {"frames_per_update": 1, "updates_per_call": calls, "learning_starts": 64}
    setting = (
        "one environment, one step per call"
        if calls == 1
        else f"{games} environments, {calls} steps per call"
    )
    return Case(
        f"CartPole, 3 layers of 128, batch 64, {setting}",
        {"name": "CartPole-v1", "envs": games},
        {"hidden": (128, 128, 128), "dqn": dqn},
        64,
        steps,
    )


def breakout(steps: int) -> Case:
    """The usual 4 frames for every training step, in 8 environments."""
    dqn = {"frames_per_update": 4, "updates_per_call": 4, "learning_starts": 64, "replay": 5000}
    return Case(
        "Breakout (Atari), network of Mnih et al. 2015, batch 32, 8 environments",
        {"name": "ALE/Breakout", "envs": 8, "episodic_life": True, "clip_rewards": True},
        {"name": "nature_cnn", "dqn": dqn},
        32,
        steps,
    )


def measure(options: Options) -> Measured:
    """Returns the ratio of each case, and the gain from batching."""
    short = 8 if options.quick else 1
    many, one = cartpole(8, 8, 512 // short), cartpole(1, 1, 512 // short)
    ours = {case: masked_agent(case) for case in (many, one)}
    rows = [_row(case, agent, options) for case, agent in ours.items()]
    rows.append(_batching(many, one, ours, options))
    notes = []
    if not options.quick:
        case = breakout(32)
        agent = masked_agent(case)
        rows.append(_row(case, agent, options))
        size = agent.replay
        notes.append(
            f"Replay of Breakout: {size.nbytes / size.capacity:,.0f} bytes a frame of 84 × 84, "
            "each stored once."
        )
    return Measured(rows, notes)


def _row(case: Case, ours: Dqn, options: Options) -> Row:
    plain = QNetworkDqn.of(case.task(), case.batch)
    candidates = {"masked": loop_of(case, ours), "QNetwork": loop_of(case, plain)}
    seconds = in_turn(candidates, options.pairs)
    rates = {name: _rate(name, case, ours, values) for name, values in seconds.items()}
    ratio = ratios(seconds, "masked", "QNetwork")
    return Row.of(case.name, rates["masked"], rates["QNetwork"], ratio, LIMIT)


def _batching(many: Case, one: Case, ours: dict[Case, Dqn], options: Options) -> Row:
    agents = {"batched": (many, ours[many]), "plain": (one, ours[one])}
    seconds = in_turn({k: loop_of(c, a) for k, (c, a) in agents.items()}, options.pairs)
    rates = {k: _rate(k, c, a, seconds[k]) for k, (c, a) in agents.items()}
    ratio = ratios(seconds, "batched", "plain")
    return Row.of(
        "CartPole: environments and steps in batches", rates["batched"], rates["plain"], ratio, 1.0
    )


def _rate(name: str, case: Case, agent: Dqn, seconds: np.ndarray) -> str:
    each = case.steps / float(np.median(seconds))
    frames = each * agent.frames_per_step
    return f"{name}: {frames:,.0f} frames/s, {each:,.0f} training steps/s"


def masked_agent(case: Case) -> Dqn:
    """Returns the masked agent with initial weights, half of them pruned."""
    task = case.task()
    agent = cast(Dqn, task._agent("zero"))
    weights = task.start_weights(0)
    rng = np.random.default_rng(0)
    masks = {v.path: rng.random(v.shape) < 0.5 for v in task.variables() if v.prunable}
    agent.restore(Start(weights, masks))
    return agent


def loop_of(case: Case, agent: Dqn) -> Callable[[], object]:
    """Returns a call that collects and trains for the case's steps."""
    task = case.task()
    plan = Plan(0, 0, Point(case.steps, False), None, False, case.steps, 0, 0)

    def call() -> None:
        Play(agent, task._games, task.config.data, plan).run(NoProgress())

    return call


if __name__ == "__main__":
    main("rl_loop", ABOUT, measure, keras=True, pairs=PAIRS)
