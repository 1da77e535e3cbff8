"""Every registered allocation: exact counts, and its own properties."""

import numpy as np
import pytest

from keras_lottery.errors import LotteryError
from keras_lottery.pruning import allocations, densities, full_masks, kept, prune_to
from keras_lottery.pruning.allocation import share_out
from keras_lottery.types import VariableInfo

INFOS = [
    VariableInfo("conv", (3, 3, 4, 8), group="conv"),
    VariableInfo("big", (100, 40)),
    VariableInfo("small", (8, 4)),
    VariableInfo("bias", (4,), kind="bias"),
]
SIZE = sum(info.size for info in INFOS)


def made_weights(seed=0, dtype=np.float32):
    rng = np.random.default_rng(seed)
    return {i.path: rng.standard_normal(i.shape).astype(dtype) * i.size for i in INFOS}


@pytest.mark.parametrize("scope", list(allocations))
@pytest.mark.parametrize("sparsity", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_contract(scope, sparsity):
    weights = made_weights()
    first = prune_to(weights, {}, INFOS, sparsity / 2, scope=scope)
    masks = prune_to(weights, first, INFOS, sparsity, scope=scope)
    assert kept(masks) == SIZE - int(sparsity * SIZE)
    assert min(densities(masks).values()) > 0
    for path, mask in masks.items():
        assert not (mask & ~first[path]).any(), "masks only shrink"
        magnitude = np.abs(weights[path])
        if mask.any() and not mask.all():
            assert magnitude[~mask].max() <= magnitude[mask].min()


@pytest.mark.parametrize("scope", list(allocations))
def test_everything_tied(scope):
    weights = {info.path: np.ones(info.shape, np.float32) for info in INFOS}
    masks = prune_to(weights, {}, INFOS, 0.5, scope=scope)
    assert kept(masks) == SIZE - SIZE // 2
    for mask in masks.values():
        assert (np.diff(mask.reshape(-1).astype(int)) >= 0).all(), "the first go first"


@pytest.mark.parametrize("scope", list(allocations))
def test_the_order_of_dictionaries_changes_nothing(scope):
    weights, infos = made_weights(), INFOS[::-1]
    backwards = dict(reversed(weights.items()))
    full = full_masks(INFOS)
    one = prune_to(weights, full, INFOS, 0.8, scope=scope)
    other = prune_to(backwards, dict(reversed(full.items())), infos, 0.8, scope=scope)
    assert list(one) == list(other)
    for path in one:
        np.testing.assert_array_equal(one[path], other[path])


@pytest.mark.parametrize("scope", list(allocations))
def test_a_floor_that_cannot_be_kept_is_an_error(scope):
    with pytest.raises(LotteryError, match="at least 40 weights"):
        prune_to(made_weights(), {}, INFOS, 0.999, scope=scope, min_per_layer=12)


@pytest.mark.parametrize("scope", list(allocations))
def test_everything_but_the_floor_can_go(scope):
    masks = prune_to(made_weights(), {}, INFOS, (SIZE - 8) / SIZE, scope=scope, min_per_layer=2)
    assert {path: int(mask.sum()) for path, mask in masks.items()} == dict.fromkeys(masks, 2)


@pytest.mark.parametrize("scope", list(allocations))
def test_all_can_go_where_there_is_no_floor(scope):
    assert kept(prune_to(made_weights(), {}, INFOS, 1.0, scope=scope, min_per_layer=0)) == 0


def test_global_makes_up_for_what_the_floor_keeps():
    infos = [VariableInfo("a", (10,)), VariableInfo("b", (3,)), VariableInfo("c", (2,))]
    weights = {"a": np.arange(10.0) + 10, "b": np.arange(3.0), "c": np.arange(2.0) + 3}
    masks = prune_to(weights, {}, infos, 5 / 15)
    assert masks["b"].tolist() == [False, False, True]
    assert masks["c"].tolist() == [False, True]
    assert kept({"a": masks["a"]}) == 8


def test_global_ranks_all_together():
    infos = [VariableInfo("a", (5,)), VariableInfo("b", (5,))]
    masks = prune_to({"a": np.arange(5.0), "b": np.arange(5.0) + 5}, {}, infos, 0.4)
    assert masks["a"].sum() == 1
    assert masks["b"].all()


def test_layer_takes_the_same_share_of_each():
    infos = [VariableInfo(p, (n,)) for p, n in (("a", 10), ("b", 20), ("c", 30))]
    weights = {info.path: np.arange(info.size) * 1.0 for info in infos}
    masks = prune_to(weights, {}, infos, 0.2, scope="layer")
    assert [int((~masks[p]).sum()) for p in "abc"] == [2, 4, 6]


def test_uniform_evens_out_what_was_uneven():
    infos = [VariableInfo("a", (10,)), VariableInfo("b", (10,))]
    weights = {"a": np.arange(10.0), "b": np.arange(10.0) + 10}
    uneven = prune_to(weights, {}, infos, 0.2)
    assert densities(prune_to(weights, uneven, infos, 0.4, scope="uniform")) == {"a": 0.6, "b": 0.6}


def test_erk_density_goes_with_the_sum_over_the_product_of_the_shape():
    infos = [VariableInfo("a", (100, 100)), VariableInfo("b", (50, 50))]
    weights = {info.path: np.ones(info.shape) for info in infos}
    masks = prune_to(weights, {}, infos, 0.9, scope="erk")  # 1250 kept in proportion 200 : 100
    assert [kept({p: masks[p]}) for p in "ab"] == [833, 417]


def test_erk_leaves_small_layers_dense_and_scales_the_rest_up():
    infos = [VariableInfo("big", (100, 100)), VariableInfo("small", (2, 2))]
    weights = {info.path: np.ones(info.shape) for info in infos}
    masks = prune_to(weights, {}, infos, 0.5, scope="erk")
    assert masks["small"].all()
    assert kept(masks) == 5002


def test_shares_go_by_largest_remainder_then_by_order():
    assert share_out(10, [1, 1, 1], [0] * 3, [10] * 3) == [4, 3, 3]
    assert share_out(5, [5, 3, 2], [0] * 3, [9] * 3) == [3, 1, 1]  # 2.5, 1.5, 1: a tie


def test_bounds_hold_and_the_others_make_up():
    assert share_out(10, [8, 1, 1], [0] * 3, [4, 9, 9]) == [4, 3, 3]
    assert share_out(10, [98, 1, 1], [0, 2, 2], [10] * 3) == [6, 2, 2]


@pytest.mark.parametrize("seed", range(30))
def test_shares_add_up_within_bounds(seed):
    rng = np.random.default_rng(seed)
    upper = rng.integers(0, 50, 9).tolist()
    lower = [int(rng.integers(0, u + 1)) for u in upper]
    weights = rng.integers(0, 1000, 9).tolist()
    total = int(rng.integers(sum(lower), sum(upper) + 1))
    shares = share_out(total, weights, lower, upper)
    assert sum(shares) == total
    assert all(lo <= s <= up for lo, s, up in zip(lower, shares, upper))
