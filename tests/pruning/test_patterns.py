"""Patterns: exact counts of groups, ties, structure that permutations keep, names."""

import dataclasses

import numpy as np
import pytest

from keras_lottery.config import PruneConfig
from keras_lottery.errors import LotteryError
from keras_lottery.pruning import (
    Score,
    check_choices,
    check_exact_pattern,
    check_pattern,
    criteria,
    full_masks,
    kept,
    layout_of,
    patterns,
    permute_global,
    permute_layer,
    prune_round,
    prune_to,
    prune_to_cost,
    prune_to_round,
)
from keras_lottery.types import VariableInfo

WIDTH, HIDDEN = 8, 6


def channels(*axes):
    return tuple(None if a is None else np.arange(a[0], a[0] + a[1]) for a in axes)


FIRST, SECOND = (0, WIDTH), (WIDTH, HIDDEN)
INFOS = [  # two layers and an output, with a batch normalization behind the first
    VariableInfo("a/kernel", (4, WIDTH), input_axis=0, channels=channels(None, FIRST), makes=(1,)),
    VariableInfo("a/bias", (WIDTH,), kind="bias", channels=channels(FIRST), makes=(0,)),
    VariableInfo("a/gamma", (WIDTH,), kind="norm", channels=channels(FIRST), makes=(0,)),
    VariableInfo(
        "b/kernel", (WIDTH, HIDDEN), input_axis=0, channels=channels(FIRST, SECOND), makes=(1,)
    ),
    VariableInfo("c/kernel", (HIDDEN, 4), input_axis=0, channels=channels(SECOND, None), makes=()),
]
EXAMPLES = {"weights": "weights", "channels": "channels", "n:m": "2:4", "block": "block:2x3"}
"""A name of each registered pattern: add one for a new pattern."""

each_pattern = pytest.mark.parametrize("pattern", [EXAMPLES[name] for name in patterns])


def weights(seed=0):
    rng = np.random.default_rng(seed)
    return {i.path: rng.standard_normal(i.shape).astype(np.float32) for i in INFOS}


def groups_of(masks, pattern):
    return layout_of(pattern, INFOS).fold(masks)


def is_whole(masks, pattern):
    """Whether masks keep whole groups alone."""
    layout = layout_of(pattern, INFOS)
    whole = layout.unfold(layout.fold(masks), full_masks(INFOS))
    grouped = layout.fold(masks).keys() if pattern != "channels" else masks.keys()
    return all((whole[path] == masks[path]).all() for path in grouped)


@each_pattern
@pytest.mark.parametrize("scope", ["global", "layer", "uniform", "erk"])
def test_exact_counts(pattern, scope):
    if (pattern, scope) == ("channels", "erk"):
        with pytest.raises(LotteryError, match="a scope other than 'erk' with pattern='channels'"):
            prune_to(weights(), {}, INFOS, 0.3, pattern=pattern, scope=scope)
        return
    layout = layout_of(pattern, INFOS)
    size = sum(i.size for i in layout.infos if i.prunable)
    masks = prune_to(weights(), {}, INFOS, 0.3, pattern=pattern, scope=scope)
    assert kept(groups_of(masks, pattern)) == size - int(0.3 * size)
    more = prune_to(weights(1), masks, INFOS, 0.5, pattern=pattern, scope=scope)
    assert kept(groups_of(more, pattern)) == size - int(0.5 * size)
    assert not any((more[path] & ~masks[path]).any() for path in masks)
    assert is_whole(more, pattern)
    again = prune_to(weights(2), more, INFOS, 0.5, pattern=pattern, scope=scope)
    assert all(np.array_equal(again[path], more[path]) for path in more)  # nothing is left to prune


@each_pattern
def test_rounds_and_one_shot_keep_as_many(pattern):
    config = dataclasses.replace(PruneConfig(rate=0.2), pattern=pattern)
    masks = {}
    for r in (1, 2, 3):
        masks = prune_round(weights(r), masks, INFOS, config, r)
    at_once = prune_to_round(weights(), {}, INFOS, config, 3)
    assert kept(groups_of(at_once, pattern)) == kept(groups_of(masks, pattern))


@each_pattern
def test_ties_go_by_path_then_index(pattern):
    equal = {info.path: np.ones(info.shape, np.float32) for info in INFOS}
    groups = groups_of(prune_to(equal, {}, INFOS, 0.2, pattern=pattern), pattern)
    first = sorted(groups)[0]
    gone = np.flatnonzero(~groups[first])
    if pattern == "2:4":  # the first two of every four of a column
        expected = np.flatnonzero(np.arange(4 * WIDTH) // WIDTH < 2)
    else:
        expected = np.arange(len(gone))
    assert len(gone) and (gone == expected[: len(gone)]).all()


@each_pattern
@pytest.mark.parametrize("permute", [permute_layer, permute_global])
def test_permutations_keep_the_structure(pattern, permute):
    layout = layout_of(pattern, INFOS)
    masks = prune_to(weights(), {}, INFOS, 0.5, pattern=pattern)
    shuffled = permute(masks, np.random.default_rng(0), layout)
    before, after = layout.fold(masks), layout.fold(shuffled)
    assert kept(after) == kept(before)
    assert any((before[path] != after[path]).any() for path in before)
    assert is_whole(shuffled, pattern)
    if permute is permute_layer:
        assert {p: kept({p: m}) for p, m in after.items()} == {
            p: kept({p: m}) for p, m in before.items()
        }
    if pattern == "channels":
        assert all(mask.any() for mask in after.values())
    if pattern == "2:4":
        assert (shuffled["b/kernel"].reshape(2, 4, HIDDEN).sum(axis=1) == 2).all()


@each_pattern
def test_criteria_that_iterate(pattern):
    def flow(name, masks):
        return {path: mask.astype(np.float32) for path, mask in masks.items()}

    masks = prune_to(weights(), {}, INFOS, 0.4, criterion="synflow", derive=flow, pattern=pattern)
    groups = groups_of(masks, pattern)
    size = sum(mask.size for mask in groups.values())
    assert kept(groups) == size - int(0.4 * size)


def test_blocks_of_one_are_weights():
    one = prune_to(weights(), {}, INFOS, 0.5, pattern="block:1x1", rates={"a/bias": 0})
    kernels = [info for info in INFOS if len(info.shape) > 1]
    plain = prune_to(weights(), {}, kernels, 0.5)
    assert all((one[path] == plain[path]).all() for path in plain)


def test_blocks_go_by_the_mean_of_their_magnitudes():
    info = VariableInfo("k", (4, 5))
    kernel = np.ones((4, 5), np.float32)
    kernel[:2, 4:] = 0.5  # a block at the edge, of two weights
    kernel[2:, :2] = [[3, 0], [0, 0.5]]
    masks = prune_to({"k": kernel}, {}, [info], 2 / 6, pattern="block:2x2")
    expected = np.ones((4, 5), bool)
    expected[:2, 4:] = expected[2:, :2] = False
    np.testing.assert_array_equal(masks["k"], expected)


def test_two_of_four_keeps_the_largest_of_every_four_inputs():
    info = VariableInfo("k", (8, 2), input_axis=0)
    kernel = np.arange(16.0).reshape(8, 2)
    masks = prune_to({"k": kernel}, {}, [info], 0.5, pattern="2:4")
    np.testing.assert_array_equal(masks["k"][:, 0], [0, 0, 1, 1] * 2)
    third = prune_to({"k": kernel}, {}, [info], 0.25, pattern="2:4")
    assert kept(third) == 12
    assert third["k"][2:4].all()  # though larger weights go
    with pytest.raises(LotteryError, match="N of every M"):
        prune_to({"k": kernel}, {}, [info], 0.6, pattern="2:4")


def test_two_of_four_needs_inputs_in_fours():
    info = VariableInfo("k", (6, 2), input_axis=0)
    with pytest.raises(LotteryError, match="its 6 inputs are not a multiple of 4"):
        prune_to({"k": np.ones((6, 2))}, {}, [info], 0.5, pattern="2:4")


def test_a_channel_takes_all_its_slices():
    ours = weights()
    ours["a/kernel"][:, 3] = ours["b/kernel"][3] = 0
    masks = prune_to(ours, {}, INFOS, 1 / 14, pattern="channels")
    assert not masks["a/kernel"][:, 3].any() and not masks["b/kernel"][3].any()
    assert not masks["a/bias"][3] and not masks["a/gamma"][3]
    assert kept(masks) == kept(full_masks(INFOS)) - 4 - 1 - 1 - HIDDEN


def test_channels_of_other_scale_are_compared_relative_to_their_layer():
    ours = weights()
    for path in ("b/kernel", "c/kernel"):
        ours[path] = ours[path] * np.float32(1e-3)
    first = prune_to(ours, {}, INFOS, 0.5, pattern="channels")
    second = prune_to(weights(), {}, INFOS, 0.5, pattern="channels")
    assert all((first[path] == second[path]).all() for path in first)


def test_every_layer_keeps_a_channel():
    masks = prune_to(weights(), {}, INFOS, 12 / 14, pattern="channels", min_per_layer=0)
    assert [mask.sum() for mask in groups_of(masks, "channels").values()] == [1, 1]
    with pytest.raises(LotteryError, match="every layer keeps one channel"):
        prune_to(weights(), {}, INFOS, 13 / 14, pattern="channels", min_per_layer=0)


def by(criterion, gradient=None, **changed):
    ours = {path: np.full_like(value, 2.0) for path, value in weights().items()} | changed
    derive = None if gradient is None else lambda name, masks: gradient
    return groups_of(
        prune_to(ours, {}, INFOS, 1 / 14, criterion=criterion, derive=derive, pattern="channels"),
        "channels",
    )


def test_criteria_of_channels():
    kernel = np.full((4, WIDTH), 2.0)
    kernel[:, 1] = 1.9  # smallest L1 norm
    kernel[:, 5] = [4, 4, 0, 0]
    assert not by("magnitude", **{"a/kernel": kernel})["a/kernel"][1]
    kernel[:, 2] = [4, 0, 0, 3.2]  # smaller L1 norm, larger L2 norm
    assert not by("magnitude", **{"a/kernel": kernel})["a/kernel"][2]
    assert not by("l2", **{"a/kernel": kernel})["a/kernel"][1]
    gradient = {path: np.ones_like(value) for path, value in weights().items()}
    gradient["a/kernel"][:, 6] = [10, -10, 10, -9]  # effects that cancel
    gradient["b/kernel"][6] = 0
    gradient["a/bias"][6] = gradient["a/gamma"][6] = 0
    assert not by("taylor", gradient)["a/kernel"][6]
    assert by("snip", gradient)["a/kernel"][6]


def test_saliencies_count_the_weights_within_a_recurrent_unit_once():
    # Two units with two gates: rows read the old state, columns compute the new one.
    units = np.array([0, 1])
    gates = np.tile(units, 2)
    info = VariableInfo(
        "recurrent", (2, 4), kind="recurrent", channels=(units, gates), makes=(1,), input_axis=0
    )
    values = np.array([[1.0, 2, 4, 8], [16, 32, 64, 128]])
    layout = layout_of("channels", [info])
    scores = layout.scores(
        ["recurrent"], lambda path: Score(values), full_masks([info]), criteria["taylor"]
    )
    # Unit 0: its row, 1 + 2 + 4 + 8, and its columns in the other row, 16 + 64.
    np.testing.assert_array_equal(scores["recurrent"].values, [95, 2 + 8 + 240])


def test_the_scale_of_a_batch_normalization_scores_its_channel():
    scales = np.arange(1.0, 1 + WIDTH)[::-1].copy()
    with pytest.raises(LotteryError, match=r"gamma for all channels.*b/kernel"):
        by("batch_norm_scale", **{"a/gamma": scales})
    masks = prune_to(
        weights() | {"a/gamma": scales},
        {},
        INFOS,
        {"a/*": 2 / WIDTH},
        criterion="batch_norm_scale",
        pattern="channels",
    )
    assert np.flatnonzero(~masks["a/gamma"]).tolist() == [6, 7]
    assert layout_of("channels", INFOS).fold(masks)["b/kernel"].all()


def test_a_criterion_of_channels_scores_no_weights():
    with pytest.raises(LotteryError, match="pattern='channels' with the criterion"):
        prune_to(weights(), {}, INFOS, 0.5, criterion="batch_norm_scale")


@pytest.mark.parametrize(
    ("pattern", "criterion", "scope", "message"),
    [
        ("chanels", "magnitude", "global", "Did you mean 'channels'"),
        ("2:4", "batch_norm_scale", "global", "scores whole channels by their gamma"),
        ("block:2x2", "slow_modes", "global", "scores single weights"),
        ("channels", "slow_modes", "global", "scores single weights"),
        ("channels", "taylor", "erk", "coupled channels belong to several"),
        ("channels", "tailor", "global", "Did you mean 'taylor'"),
        ("channels", "taylor", "globl", "Did you mean 'global'"),
    ],
)
def test_choices_that_do_not_go_together(pattern, criterion, scope, message):
    with pytest.raises(LotteryError, match=message):
        check_choices(pattern, criterion, scope)


def test_random_channels_are_one_draw_each():
    counts = np.zeros(14)
    for seed in range(200):
        masks = prune_to({}, {}, INFOS, 5 / 14, criterion="random", seed=seed, pattern="channels")
        groups = groups_of(masks, "channels")
        counts += ~np.concatenate([groups["a/kernel"], groups["b/kernel"]])
    assert counts.min() > 40 and counts.max() < 105  # 71 each


def test_sparsities_per_layer_leave_other_layers_dense():
    masks = prune_to(weights(), {}, INFOS, {"b/*": 0.5}, pattern="channels")
    groups = groups_of(masks, "channels")
    assert [groups[path].sum() for path in ("a/kernel", "b/kernel")] == [WIDTH, HIDDEN // 2]
    plain = prune_to(weights(), {}, INFOS, {"b/*": 0.5, "a/kernel": 0.25})
    assert [kept({p: plain[p]}) for p in ("a/kernel", "b/kernel", "c/kernel")] == [24, 24, 24]
    with pytest.raises(LotteryError, match="matches no variable"):
        prune_to(weights(), {}, INFOS, {"d/*": 0.5})


@pytest.mark.parametrize("scope", ["global", "layer"])
def test_a_budget_is_met_with_as_many_channels_as_fit(scope):
    def cost(masks):
        return sum(int(mask.sum()) for mask in masks.values())

    dense = cost(full_masks(INFOS))
    masks = prune_to_cost(weights(), {}, INFOS, cost, dense // 2, scope=scope)
    pruned = 14 - kept(groups_of(masks, "channels"))
    assert cost(masks) <= dense // 2
    less = prune_to(weights(), {}, INFOS, (pruned - 1) / 14, pattern="channels", scope=scope)
    assert cost(less) > dense // 2
    with pytest.raises(LotteryError, match=r"at least 11 weights.*Received: 3"):
        prune_to_cost(weights(), {}, INFOS, cost, 3, unit="weights")


@pytest.mark.parametrize("multiple", [2, 3, 4])
def test_layers_keep_a_multiple_of_channels_and_the_best_ones(multiple):
    pattern, ours = f"channels:{multiple}", weights()
    for sparsity in (0.0, 0.2, 0.3, 0.4):
        exact = groups_of(prune_to(ours, {}, INFOS, sparsity, pattern="channels"), "channels")
        rounded = groups_of(prune_to(ours, {}, INFOS, sparsity, pattern=pattern), "channels")
        for path, mask in rounded.items():
            up = -(-int(exact[path].sum()) // multiple) * multiple
            assert mask.sum() == min(max(up, multiple), mask.size)
            assert mask[exact[path]].all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("channels:0", "such as 'channels:8'. Received: '0'"),
        ("channels:x", "such as 'channels:8'. Received: 'x'"),
        ("channel", "Did you mean 'channels'"),
        ("4:2", "N from 1 up to M - 1"),
        ("block", "a number of rows and columns"),
        ("block:4", "a number of rows and columns"),
        ("weights:3", "'3' after the colon"),
        (4, "Expected the name of a known pattern"),
    ],
)
def test_wrong_patterns(wrong, message):
    with pytest.raises(LotteryError, match=message):
        check_pattern(wrong)
    with pytest.raises(LotteryError, match=message):
        prune_to(weights(), {}, INFOS, 0.5, pattern=wrong)


def test_a_layer_keeps_no_less_than_the_multiple():
    masks = prune_to(weights(), {}, INFOS, 6 / 14, pattern="channels:4")
    assert [mask.sum() for mask in groups_of(masks, "channels").values()] == [4, 4]
    with pytest.raises(LotteryError, match=r"at least 8 channels.*keeps 4 channels"):
        prune_to(weights(), {}, INFOS, 7 / 14, pattern="channels:4")


def test_rounds_prune_exact_numbers_of_channels():
    with pytest.raises(LotteryError, match="without a number here"):
        check_exact_pattern("channels:8")
    check_exact_pattern("channels")


def test_channels_need_to_be_known():
    with pytest.raises(LotteryError, match="variables with channels"):
        prune_to({"k": np.ones((2, 2))}, {}, [VariableInfo("k", (2, 2))], 0.5, pattern="channels")


@pytest.mark.parametrize("pattern", ["4:5", "9:10", "7:9"])
def test_exactly_n_of_every_m_survive_by_default(pattern):
    n, m = map(int, pattern.split(":"))
    info = VariableInfo("k", (10 * m, 4), input_axis=0)
    kernel = np.random.default_rng(0).normal(size=info.shape)
    highest = layout_of(pattern, [info]).sparsity
    masks = prune_to({"k": kernel}, {}, [info], highest, pattern=pattern)
    assert (masks["k"].reshape(10, m, 4).sum(axis=1) == n).all()


def test_n_of_m_refuses_groups_with_fewer_survivors():
    info = VariableInfo("k", (8, 1), input_axis=0)
    mask = np.array([1, 0, 0, 0, 1, 1, 1, 1], bool)[:, None]
    with pytest.raises(LotteryError, match=r"2 of every 4 weights of k.*a group with 1"):
        prune_to({"k": np.ones((8, 1))}, {"k": mask}, [info], 0.5, pattern="2:4")
