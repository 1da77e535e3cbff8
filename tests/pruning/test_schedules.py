"""How much each round or step prunes."""

import numpy as np
import pytest

from keras_lottery.config import PruneConfig
from keras_lottery.config.build import unread
from keras_lottery.errors import LotteryError
from keras_lottery.pruning import CubicSchedule, prune_round, prune_to_round, schedules
from keras_lottery.types import VariableInfo


def test_geometric_takes_of_what_survives():
    assert [schedules["geometric"](0.2, r, 100, n) for r, n in ((1, 100), (2, 80))] == [20, 16]


def test_linear_takes_of_the_original():
    assert schedules["linear"](0.3, 1, 10, 10) == 3
    assert schedules["linear"](0.3, 3, 10, 4) == 3  # 0.1 + 0.1 + 0.1 is no trap
    with pytest.raises(LotteryError, match="at most 1"):
        schedules["linear"](0.3, 4, 10, 1)


def test_one_shot_takes_all_in_round_1():
    assert schedules["one_shot"](0.9, 1, 100, 100) == 90
    with pytest.raises(LotteryError, match="prunes once"):
        schedules["one_shot"](0.9, 2, 100, 10)


def test_levels_are_of_the_original_whatever_lies_between():
    infos = [VariableInfo("kernel", (10,))]
    config = PruneConfig(rounds=2, schedule="levels", levels=(0.5, 0.7))
    weights = {"kernel": np.arange(10.0)}
    first = prune_round(weights, {}, infos, config, 1)
    second = prune_round(weights, first, infos, config, 2)
    assert second["kernel"].tolist() == [False] * 7 + [True] * 3
    assert prune_to_round(weights, {}, infos, config, 2)["kernel"].sum() == 3
    assert first["kernel"].sum() == 5


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"schedule": "levels"}, "levels: expected the fraction"),
        ({"levels": (0.5,)}, "levels: has no effect unless schedule is 'levels'"),
        ({"schedule": "levels", "levels": (0.7, 0.5)}, "rising fractions"),
        ({"schedule": "levels", "levels": (0.5,), "rounds": 2}, "rounds: expected at most 1"),
        ({"schedule": "levels", "levels": (0.5,), "rates": {"dense": 0.1}}, "rates: has no effect"),
    ],
)
def test_levels_that_do_not_fit_are_named(fields, message):
    section = PruneConfig(**({"rounds": 1} | fields))
    assert message in "; ".join(map(str, [*section.problems(), *unread(section)]))


def test_cubic():
    cubic = CubicSchedule(0.8, end_step=100, begin_step=20, every=30)
    assert cubic.sparsity(0) == cubic.sparsity(20) == 0
    assert cubic.sparsity(60) == pytest.approx(0.8 * (1 - 0.5**3))
    assert cubic.sparsity(100) == cubic.sparsity(10**6) == 0.8
    assert cubic.steps == (20, 50, 80, 100)
    assert (np.diff([cubic.sparsity(t) for t in range(120)]) >= 0).all()


def test_cubic_is_a_staircase_between_its_prunings():
    cubic = CubicSchedule(0.8, end_step=100, begin_step=20, every=30, initial_sparsity=0.2)
    dues = [cubic.due(t) for t in (0, 19, 20, 49, 50, 79, 80, 99, 100, 500)]
    assert dues == [None, None, 20, 20, 50, 50, 80, 80, 100, 100]
    assert (cubic.reached(19), cubic.reached(20), cubic.reached(500)) == (0, 0.2, 0.8)
    assert cubic.reached(79) == cubic.reached(50) == cubic.sparsity(50)


def test_cubic_from_step_to_the_same_step_prunes_once():
    once = CubicSchedule(0.5, end_step=7, begin_step=7, initial_sparsity=0.5)
    assert once.steps == (7,)
    assert (once.due(6), once.due(7), once.sparsity(7)) == (None, 7, 0.5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"final_sparsity": 0.0},
        {"final_sparsity": 1.1},
        {"initial_sparsity": 0.9},
        {"begin_step": 11},
        {"every": 0},
    ],
)
def test_cubic_that_would_never_prune_is_an_error(wrong):
    with pytest.raises(LotteryError, match="Received"):
        CubicSchedule(**{"final_sparsity": 0.5, "end_step": 10, **wrong})
