"""Rounds of pruning: exact counts per pool, masks that only shrink, clear refusals."""

import dataclasses

import numpy as np
import pytest

from keras_lottery.config import PruneConfig
from keras_lottery.errors import LotteryError
from keras_lottery.pruning import (
    allocations,
    densities,
    full_masks,
    kept,
    prune_round,
    prune_to,
    prune_to_round,
    sparsity,
)
from keras_lottery.types import VariableInfo

INFOS = [
    VariableInfo("conv/kernel", (3, 3, 2, 5), group="conv"),
    VariableInfo("dense/kernel", (30, 10)),
    VariableInfo("head/kernel", (10, 3), output=True),
    VariableInfo("head/bias", (3,), kind="bias", prunable=False),
]


def weights_at(round=0):
    rng = np.random.default_rng(round)
    return {info.path: rng.standard_normal(info.shape).astype(np.float32) for info in INFOS}


def config(**fields):
    return dataclasses.replace(PruneConfig(rate=0.2, rounds=10), **fields)


def rounds(settings, count):
    masks = {}
    for r in range(1, count + 1):
        before, masks = masks, prune_round(weights_at(r), masks, INFOS, settings, r)
        assert all(not (masks[p] & ~before[p]).any() for p in before)
    return masks


def kept_by(masks, *paths):
    return kept({path: masks[path] for path in paths})


def test_a_round_takes_floor_of_rate_times_surviving():
    expected = 420
    for r in range(1, 11):
        expected -= int(0.2 * expected)
        assert kept(rounds(config(), r)) == expected


def test_pools_are_counted_each_by_itself():
    masks = rounds(config(rates={"conv": 0.1, "output": 0.0}), 2)
    assert kept_by(masks, "conv/kernel") == 73  # 90, 81, 73
    assert kept_by(masks, "dense/kernel") == 192  # 300, 240, 192
    assert kept_by(masks, "head/kernel") == 30


def test_linear_takes_of_the_original():
    assert [kept(rounds(config(schedule="linear", rate=0.1), r)) for r in (1, 2, 9)] == [
        378,
        336,
        42,
    ]


@pytest.mark.parametrize("scope", list(allocations))
@pytest.mark.parametrize("schedule", ["geometric", "linear"])
@pytest.mark.parametrize("rates", [{}, {"conv": 0.05, "output": 0.07}])
def test_one_shot_meets_the_counts_of_the_rounds(scope, schedule, rates):
    settings = config(scope=scope, schedule=schedule, rate=0.1, rates=rates)
    slow = rounds(settings, 8)
    fast = prune_to_round(weights_at(), {}, INFOS, settings, 8)
    assert kept(fast) == kept(slow)
    for path in rates and ("conv/kernel", "head/kernel"):
        assert kept_by(fast, path) == kept_by(slow, path)
    if scope != "global":
        assert densities(fast) == densities(slow)


def test_one_shot_to_round_0_keeps_all():
    assert sparsity(prune_to_round(weights_at(), {}, INFOS, config(), 0)) == 0


def test_one_shot_from_masks_that_are_sparser_is_an_error():
    sparse = prune_to(weights_at(), {}, INFOS, 0.9)
    with pytest.raises(LotteryError, match="surviving weights"):
        prune_to_round(weights_at(), sparse, INFOS, config(), 1)


def test_prune_to_is_absolute_and_again_changes_nothing():
    masks = prune_to(weights_at(), {}, INFOS, 0.5)
    more = prune_to(weights_at(), masks, INFOS, 0.75)
    assert (kept(masks), kept(more)) == (210, 105)
    again = prune_to(weights_at(1), more, INFOS, sparsity(more))
    assert all((again[path] == more[path]).all() for path in more)


def test_prune_to_less_than_there_is_is_an_error():
    masks = prune_to(weights_at(), {}, INFOS, 0.5)
    with pytest.raises(LotteryError, match=r"at least 0\.5, .* Received: 0\.4"):
        prune_to(weights_at(), masks, INFOS, 0.4)


@pytest.mark.parametrize("wrong", [-0.1, 1.5, float("nan")])
def test_a_sparsity_is_a_fraction(wrong):
    with pytest.raises(LotteryError, match="between 0 and 1"):
        prune_to(weights_at(), {}, INFOS, wrong)


def test_a_sparsity_per_group():
    masks = prune_to(weights_at(), {}, INFOS, 0.9, rates={"output": 0.5, "conv/*": 0.0})
    assert kept_by(masks, "conv/kernel") == 90
    assert kept_by(masks, "dense/kernel") == 30
    assert kept_by(masks, "head/kernel") == 15


def test_only_prunable_variables_take_part():
    assert "head/bias" not in prune_to(weights_at(), {}, INFOS, 0.5)
    carried = {"head/bias": np.array([True, False, True])}
    masks = prune_to(weights_at(), carried, INFOS, 0.5)
    assert masks["head/bias"].tolist() == [True, False, True]


def test_arguments_are_left_as_they_are():
    masks, weights = full_masks(INFOS), weights_at()
    pruned = prune_to(weights, masks, INFOS, 0.0)
    assert sparsity(masks) == 0
    assert all(pruned[path] is not masks[path] for path in masks)
    prune_to(weights, masks, INFOS, 0.9)
    assert sparsity(masks) == 0
    assert all((weights[p] == value).all() for p, value in weights_at().items())


def test_masks_that_do_not_fit_are_errors():
    with pytest.raises(LotteryError, match="other/kernel"):
        prune_to(weights_at(), {"other/kernel": np.ones(3, bool)}, INFOS, 0.5)
    with pytest.raises(LotteryError, match=r"boolean mask of shape \(30, 10\)"):
        prune_to(weights_at(), {"dense/kernel": np.ones(3, bool)}, INFOS, 0.5)
    with pytest.raises(LotteryError, match="Received: float64"):
        prune_to(weights_at(), {"dense/kernel": np.ones((30, 10))}, INFOS, 0.5)


def test_weights_that_are_missing_are_an_error():
    with pytest.raises(LotteryError, match="conv/kernel"):
        prune_to({}, {}, INFOS, 0.5)


@pytest.mark.parametrize("field", ["scope", "schedule", "criterion"])
def test_a_wrong_name_lists_the_known(field):
    with pytest.raises(LotteryError, match="Known: "):
        prune_round(weights_at(), {}, INFOS, config(**{field: "nonesuch"}), 1)
