"""The agent task's contract with the engine."""

import numpy as np
import pytest

from keras_lottery import masking
from keras_lottery.errors import LotteryError
from keras_lottery.pruning import prune_round
from keras_lottery.tasks.rl.task import RLTask
from keras_lottery.types import Start
from tests.tasks.rl.made import Silent, config, rewound, training

GAMES = {"data": {"epoch": 4, "epoch_unit": "games"}}


@pytest.fixture(scope="module")
def task():
    return RLTask(config())


@pytest.fixture(scope="module")
def dense(task):
    return task.fit(training(), Start(task.start_weights(0)), Silent())


def equal(one, other):
    return one.keys() == other.keys() and all((one[k] == other[k]).all() for k in one)


def test_the_same_seed_gives_the_same_training_and_another_seed_another(task, dense):
    again = task.fit(training(), Start(task.start_weights(0)), Silent())
    assert equal(again.weights, dense.weights)
    assert again.history == dense.history
    assert again.metrics == dense.metrics
    other = task.fit(training(), Start(task.start_weights(0), seed=0, data_seed=1), Silent())
    assert not equal(other.weights, dense.weights)


def test_it_plays_as_many_frames_as_its_steps_ask_for(dense):
    assert dense.steps == 4 * 80 // 4
    assert 320 <= dense.metrics["frames"] < 320 + 2 * 2  # a round of two games over, at each begin
    assert [row["step"] for row in dense.history] == [20, 40, 60, 80]
    assert np.isfinite(dense.history[-1]["loss"])


@pytest.mark.parametrize("replay", ["empty", "keep"])
@pytest.mark.parametrize(("period", "schedule"), [(1, "constant"), (7, "linear")])
def test_from_the_rewind_point_an_unpruned_network_goes_the_dense_ones_way(
    replay, period, schedule
):
    dqn = {"rewind_replay": replay, "target_period": period}
    one = RLTask(config(dqn=dqn, optimizer={"schedule": schedule}))
    dense = one.fit(training(), Start(one.start_weights(0)), Silent())
    again = one.fit(training(1, "winning"), rewound(one, dense.rewind), Silent())
    assert again.steps == dense.steps - 20
    assert equal(again.weights, dense.weights)
    assert again.metrics["greedy_return"] == dense.metrics["greedy_return"]
    held = any(key.startswith("optimizer/replay/") for key in dense.rewind)
    assert held == (replay == "keep")


def test_where_games_are_counted_the_rewind_point_is_a_game():
    one = RLTask(config(**GAMES))
    dense = one.fit(training(), Start(one.start_weights(0)), Silent())
    assert dense.metrics["games"] >= 16
    assert one.steps("1ep") == 4 * 500 // 4  # the most that they can take
    again = one.fit(training(1, "winning"), rewound(one, dense.rewind), Silent())
    assert equal(again.weights, dense.weights)


def test_games_that_end_together_at_the_rewind_point_are_no_head_start():
    one = RLTask(config(data={"epoch": 5, "epoch_unit": "games", "envs": 8}))
    dense = one.fit(training(), Start(one.start_weights(0)), Silent())
    again = one.fit(training(1, "winning"), rewound(one, dense.rewind), Silent())
    assert equal(again.weights, dense.weights)
    assert again.metrics["games"] == dense.metrics["games"]


@pytest.mark.parametrize(
    "model", [{"algorithm": "ppo", "ppo": {"rollout": 10}}, {"dueling": True}, {}]
)
def test_networks_train_in_mixed_precision(model):
    settings = {"length": "4it", "eval_every": 2, "dtype_policy": "mixed_bfloat16"}
    one = RLTask(config(model=model, train=settings, rewind={"to": "0it"}))
    found = one.fit(training(), Start(one.start_weights(0)), Silent())
    assert np.isfinite(found.history[-1]["return"])


@pytest.mark.parametrize("tau, period", [(0.05, 1), (1.0, 7)])
def test_pruned_weights_stay_zero_in_both_networks(tau, period):
    one = RLTask(config(dqn={"target_tau": tau, "target_period": period}))
    first = one.fit(training(), Start(one.start_weights(0)), Silent())
    masks = prune_round(first.weights, {}, one.variables(), one.config.prune, 1, seed=0)
    second = one.fit(training(1, "winning"), rewound(one, first.rewind, masks), Silent())
    agent = one._agent("zero")
    for weights in (second.weights, masking.get_weights(agent.model)):
        assert all(not weights[path][~mask].any() for path, mask in masks.items())
    target = masking.get_weights(agent.target)
    assert equal(masking.get_masks(agent.target), masks)
    assert all(not target[path][~mask].any() for path, mask in masks.items())
    # A hard update came last 3 steps ago; a soft one has not caught up yet.
    assert not equal(target, masking.get_weights(agent.model))


def test_evaluation_is_on_the_same_games_every_time(task):
    start = Start(task.start_weights(0))
    assert task.evaluate(start) == task.evaluate(start)


def test_an_exported_network_answers_as_the_trained_one(task, dense):
    model = task.export_model(dense.weights)
    assert model.output_shape == (None, 2)
    task._agent("zero").restore(Start(dense.weights))
    batch = np.ones((3, 4), np.float32)
    answers = task._agent("zero").model(batch)
    assert np.allclose(model(batch), answers, atol=1e-6)


def test_biases_of_every_layer_are_prunable_where_the_config_says_so(task):
    variables = task.variables()
    assert all(v.prunable for v in variables)
    assert sum(v.size for v in variables) == 4 * 8 + 8 + 8 * 8 + 8 + 8 * 2 + 2
    assert {v.path for v in variables if v.output} == {
        "layers/dense_2/kernel",
        "layers/dense_2/bias",
    }
    assert task.flops({}) == 2 * (4 * 8 + 8 * 8 + 8 * 2)


@pytest.mark.parametrize(
    "fields, message",
    [
        ({"rewind": {"to": "5it"}, **GAMES}, "in one unit"),
        ({"optimizer": {"schedule": "linear"}, **GAMES}, "constant learning rate"),
        ({"data": {"name": "CartPole"}}, "'CartPole-v1'"),
        ({"data": {"name": "Pendulum-v1"}}, "finite set of actions"),
        ({"dqn": {"gamma": 2.0}}, "model.dqn.gamma: expected at least 0 and at most 1"),
        ({"train": {"dtype_policy": "mixed_float16"}}, "Use mixed_bfloat16"),
        ({"model": {"algorithm": "dqm"}}, "model.algorithm: expected one of dqn, ppo"),
    ],
)
def test_what_does_not_fit_is_refused(fields, message):
    with pytest.raises(LotteryError, match=message):
        RLTask(config(**fields))


def test_criteria_and_arms_that_it_cannot_serve_are_refused(task):
    with pytest.raises(LotteryError, match="Use magnitude"):
        task.derived("gradient", {}, {}, 0)
    with pytest.raises(LotteryError, match="Leave the arm out"):
        task.fit(training(), Start(task.start_weights(0), parametrization="bernoulli"), Silent())
    with pytest.raises(LotteryError, match="Rewind to an earlier"):
        task.fit(training(), Start(task.start_weights(0), step=80), Silent())
