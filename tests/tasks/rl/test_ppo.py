"""The PPO agent: its training data, and the contract with the engine."""

import gymnasium
import numpy as np
import pytest

from keras_lottery.errors import LotteryError
from keras_lottery.pruning import prune_round
from keras_lottery.tasks.rl.config import PpoConfig
from keras_lottery.tasks.rl.environments.games import Games
from keras_lottery.tasks.rl.environments.spaces import GameSpec
from keras_lottery.tasks.rl.ppo import _make_agent, _Rollout
from keras_lottery.tasks.rl.task import RLTask
from keras_lottery.types import Start
from tests.tasks.rl.made import Counting, Silent, config, rewound, training

MODEL = {"algorithm": "ppo", "ppo": {"rollout": 10, "epochs": 2}}
LENGTH = {"train": {"length": "6it", "eval_every": 1}, "rewind": {"to": "2it"}}


@pytest.fixture(scope="module")
def task():
    return RLTask(config(model=MODEL, **LENGTH))


@pytest.fixture(scope="module")
def dense(task):
    return task.fit(training(), Start(task.start_weights(0)), Silent())


def test_one_network_has_a_head_for_the_policy_and_one_for_the_value(task):
    variables = task.variables()
    assert sum(v.size for v in variables) == 4 * 8 + 8 + 8 * 8 + 8 + 8 * 2 + 2 + 8 + 1
    assert {v.shape for v in variables if v.output} == {(8, 2), (2,), (8, 1), (1,)}


def test_it_is_rewound_with_its_masks_to_the_way_of_the_dense_one(task, dense):
    state = dense.rewind
    early = {k.removeprefix("weights/"): v for k, v in state.items() if k.startswith("weights/")}
    again = task.fit(training(1, "winning"), rewound(task, state), Silent())
    assert all((again.weights[p] == dense.weights[p]).all() for p in early)

    masks = prune_round(dense.weights, {}, task.variables(), task.config.prune, 1, seed=0)
    third = task.fit(training(1, "winning"), rewound(task, state, masks), Silent())
    assert third.steps == 4
    for path, mask in masks.items():
        assert not third.weights[path][~mask].any()
        assert (third.weights[path][mask] != early[path][mask]).any()


def test_every_step_plays_a_rollout_and_its_losses_are_finite(dense):
    assert [row["step"] for row in dense.history] == [1, 2, 3, 4, 5, 6]
    assert all(np.isfinite(row["loss"]) for row in dense.history)
    # Rounds in which a game only begins anew are none of its frames.
    assert 6 * 2 * 10 - dense.metrics["games"] <= dense.metrics["frames"] <= 6 * 2 * 10


def filled(frames, ends=0, limit=0):
    """What a rollout holds of one game, every frame of which is held to be worth 10."""
    spec = GameSpec((2,), "uint8", 2, limit)
    games = Games(
        lambda: gymnasium.wrappers.TimeLimit(Counting(ends), limit or 100), spec, 1, "counting"
    )
    rollout = _Rollout(spec, 1, frames, gamma=0.5)
    rollout.begin()
    now, worth = games.reset(np.array([0])), np.full(1, 10.0)
    for _ in range(frames):
        rollout.see(now, np.zeros(1), np.zeros((1, 2)), worth)
        played = games.step(np.zeros(1, int))
        rollout.add(played.rewards, played)
        now = played.frames
    rollout.close(now, worth)
    names = ("kind", "seen", "actions", "logits", "following", "rewards", "discounts")
    return {name: array[0] for name, array in zip(names, rollout.arrays(), strict=True)}


def test_what_it_learns_from_says_where_games_end():
    found = filled(6, ends=3)
    assert found["seen"][:, 1].tolist() == [0, 1, 2, 3, 0, 1, 2]
    assert found["kind"].tolist() == [0, 1, 1, 2, 0, 1, 1]  # first, middle, middle, last, ...
    assert found["following"][:6].tolist() == [1, 1, 2, 0, 1, 1]
    assert found["rewards"][:6].tolist() == [1, 2, 3, 0, 1, 2]
    assert found["discounts"][:3].tolist() == [1, 1, 0]


@pytest.mark.parametrize("frames", [3, 6])
def test_a_game_that_is_cut_off_is_worth_what_its_last_frame_is(frames):
    found = filled(frames, limit=3)
    assert found["rewards"][:3].tolist() == [1, 2, 3 + 0.5 * 10]
    assert found["kind"][3] == 2 and found["discounts"][2] == 1


@pytest.mark.parametrize(
    ("values", "advantages"), [((0, 0, 0, 8), (1, 2, 4)), ((0, 0, 8, 0), (0, 0, -8))]
)
def test_a_rollout_that_goes_on_is_worth_what_the_frame_after_it_is(task, values, advantages):
    """With γ = 0.5, λ = 1 and no rewards, the advantage at t is γ^(3-t) V(3) − V(t)."""
    with task._distribution.scope():
        spec, ppo = task._spec, PpoConfig(gamma=0.5, gae=1.0)
        agent = _make_agent(task._model, spec, ppo)
    zeros, going_on = np.zeros((1, 3), np.float32), np.full((1, 3), 0.5, np.float32)
    found = agent.compute_advantages(zeros, zeros, going_on, np.array([values], np.float32))
    np.testing.assert_allclose(found, [advantages])


def test_a_schedule_of_the_learning_rate_is_refused():
    with pytest.raises(LotteryError, match="constant learning rate"):
        RLTask(config(model=MODEL, optimizer={"schedule": "linear"}, **LENGTH))
