"""Every reinforcement learning preset trains, prunes, rewinds and trains again."""

import os
from importlib.util import find_spec

import numpy as np
import pytest

import keras_lottery.studies  # noqa: F401  registers studies and tasks
from keras_lottery.config import freeze, presets
from keras_lottery.pruning import prune_round
from keras_lottery.types import Start, Training

# Name, and weights: all are prunable, biases too (Yu et al. 2019).
WEIGHTS = [
    ("yu2019/control:acrobot", 134_147),
    ("yu2019/control:acrobot_small", 134_147),
    ("yu2019/atari:assault", 1_268_743),
    ("yu2019/atari:berzerk", 1_274_386),
    ("yu2019/atari:breakout", 1_267_204),
    ("yu2019/atari:breakout_small", 1_686_180),
    ("yu2019/atari:centipede", 1_274_386),
    ("yu2019/atari:kangaroo", 1_274_386),
    ("yu2019/atari:krull", 1_274_386),
    ("yu2019/atari:qbert", 1_268_230),
    ("yu2019/atari:seaquest", 1_274_386),
    ("yu2019/atari:space_invaders", 1_268_230),
    ("yu2019/control:cartpole", 33_922),
    ("yu2019/control:cartpole_small", 33_922),
    ("yu2019/control:cartpole_ppo_small", 34_051),  # as table A1 has it: a policy and a value
    ("yu2019/control:lunarlander", 134_916),
    ("yu2019/control:lunarlander_small", 134_916),
    ("yu2019/control:minatar_breakout", 132_179),
]

# Covered by another preset here, or by tests/tasks/rl: tests/slow.
SLOW = {
    name
    for name, _ in WEIGHTS
    if (name.startswith("yu2019/atari") and "breakout" not in name)
    or name.endswith((":acrobot", ":cartpole", ":lunarlander"))
}

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(
        os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow" or not find_spec("tf_agents"),
        reason="reinforcement learning needs TensorFlow and the extra `rl`",
    ),
]


SHORT = {
    "dqn": {
        "model.dqn.learning_starts": 4,
        "model.dqn.replay": 100,
        "model.dqn.frames_per_update": 16,
        "model.dqn.updates_per_call": 1,
        "model.dqn.n_step": 1,
    },
    "ppo": {"model.ppo.rollout": 4, "model.ppo.epochs": 1},
}
"""Settings of each algorithm under which a training takes a second."""


class Silent:
    def update(self, step: int, of: int, loss: float) -> None:
        """Says nothing."""


@pytest.mark.parametrize("name, total", [row for row in WEIGHTS if row[0] not in SLOW])
def test_a_preset_trains_prunes_rewinds_and_trains_again(name, total):
    train_prune_rewind_train(name, total)


def train_prune_rewind_train(name, total):
    from keras_lottery.tasks.rl.task import RLTask

    short = {
        "train.length": "4it",
        "rewind.to": "2it",
        "train.batch_size": 2,
        "train.eval_every": 2,
        "train.jit": "false",
        "data.envs": 2,
        "data.eval_games": 0,
    }
    short |= SHORT[presets.load(name).model.algorithm]
    # PPO doesn't read all of these.
    config = freeze(presets.load(name, short).to_dict(), allow_unread=True)
    task = RLTask(config)
    variables = task.variables()
    assert sum(v.size for v in variables) == total
    assert all(v.prunable for v in variables)

    first = task.fit(Training("", "rl", 0, 0, "dense"), Start(task.start_weights(0)), Silent())
    masks = prune_round(first.weights, {}, variables, config.prune, 1, seed=0)
    kept = sum(np.count_nonzero(m) for m in masks.values())
    assert kept / total == pytest.approx(1 - config.prune.rate, abs=1e-3)

    state = first.rewind
    early = {k.removeprefix("weights/"): v for k, v in state.items() if k.startswith("weights/")}
    rewound = Start(early, masks, step=2, learning_rate_step=2, data_order_step=2)
    second = task.fit(Training("", "rl", 0, 1, "winning"), rewound, Silent())
    assert (first.steps, second.steps) == (4, 2)
    assert np.isfinite(second.history[-1]["loss"])
    for path, mask in masks.items():
        assert not second.weights[path][~mask].any()
