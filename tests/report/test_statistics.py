"""Statistics against values that can be worked out by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest

from keras_lottery.records import ResultRow
from keras_lottery.report import statistics as st
from tests.records.made_rows import row


def three_seeds() -> list[ResultRow]:
    """Dense 1, 2, 3; winning 2, 4, 6 and 4, 6, 8; reinit 1, 1, 1 by two draws 0 and 2."""
    rows = [row(seed=s, value=s + 1.0, kept=1000) for s in range(3)]
    for number, kept in ((1, 500), (2, 100)):
        for seed in range(3):
            value = 2.0 * seed + 2 * number
            rows.append(row(seed=seed, round=number, arm="winning", value=value, kept=kept))
            rows += [
                row(seed=seed, round=number, arm="reinit", draw=d, value=2.0 * d, kept=kept)
                for d in range(2)
            ]
    return rows


def test_draws_are_averaged_within_a_seed_before_the_spread() -> None:
    (first, _) = st.levels(three_seeds(), "reinit")
    assert (first.mean, first.sd, first.n, first.trainings) == (1.0, 0.0, 3, 6)


def test_mean_sd_and_range_over_seeds() -> None:
    first, second = st.levels(three_seeds(), "winning")
    assert (first.mean, first.sd, first.low, first.high) == (4.0, 2.0, 2.0, 6.0)
    assert (second.round, second.mean, second.kept) == (2, 6.0, 100)
    assert second.remaining == pytest.approx(0.1)


def test_one_seed_has_no_spread() -> None:
    (level,) = st.levels([row()], "dense")
    assert math.isnan(level.sd) and level.n == 1


def test_paired_difference_over_levels_by_hand() -> None:
    """d = 2, 4, 6 over both rounds: mean 4, sd 2, and t(0.975, 2) = 4.302653."""
    pair = st.paired(three_seeds(), "winning", "reinit")
    assert pair is not None and pair.rounds == (1, 2)
    assert pair.seeds == {0: 2.0, 1: 4.0, 2: 6.0}
    assert (pair.mean, pair.n) == (4.0, 3)
    half = 4.302653 * 2 / math.sqrt(3)
    assert pair.low == pytest.approx(4 - half, abs=1e-5)
    assert pair.high == pytest.approx(4 + half, abs=1e-5)
    assert pair.contains_zero
    assert math.isnan(pair.boot_low) and math.isnan(pair.boot_high)  # three seeds are too few


def test_dense_is_compared_by_its_round_0() -> None:
    pair = st.paired(three_seeds(), "winning", "dense", {2})
    assert pair is not None and pair.seeds == {0: 3.0, 1: 4.0, 2: 5.0}


def test_only_seeds_with_both_arms_are_pairs() -> None:
    rows = [r for r in three_seeds() if not (r.arm == "reinit" and r.seed == 1)]
    pair = st.paired(rows, "winning", "reinit", {1})
    assert pair is not None and pair.seeds == {0: 1.0, 2: 5.0}
    assert st.paired(rows, "winning", "one_shot") is None
    assert st.paired(rows, "winning", "reinit", {7}) is None


def test_one_pair_has_no_interval_and_equal_pairs_have_an_empty_one() -> None:
    rows = [r for r in three_seeds() if r.seed == 0]
    pair = st.paired(rows, "winning", "reinit", {1})
    assert pair is not None and pair.n == 1
    assert math.isnan(pair.low) and math.isnan(pair.boot_high) and not pair.contains_zero
    assert not pair.excludes_zero
    assert st.t_interval(np.array([0.5, 0.5, 0.5])) == (0.5, 0.5)
    assert st.bootstrap_interval(np.full(8, 0.5)) == (0.5, 0.5)


def test_the_bootstrap_interval_leans_to_the_long_tail() -> None:
    values = np.array([0.0] * 7 + [8.0])
    low, high = st.bootstrap_interval(values)
    assert low == pytest.approx(0.0) and high - values.mean() > values.mean() - low
    assert (low, high) == st.bootstrap_interval(values)
    assert math.isnan(st.bootstrap_interval(values[1:])[0])


def test_the_interval_covers_the_mean_as_often_as_it_says() -> None:
    draws = np.random.default_rng(0).normal(3.0, 1.0, size=(2000, 5))
    hits = [low <= 3.0 <= high for low, high in map(st.t_interval, draws)]
    assert 0.94 <= np.mean(hits) <= 0.96


def test_a_range_of_levels() -> None:
    rows = three_seeds()
    assert st.rounds_at_most(rows, 0.5) == (1, 2)
    assert st.rounds_at_most(rows, 0.1) == (2,)
    assert st.rounds_at_most(rows, 0.05) == ()


def curve(values: dict[int, float]) -> list[ResultRow]:
    """Dense 9, 10, 11 (sd 1) and a winning arm of the given means at rounds of 0.5**round."""
    rows = [row(seed=s, value=9.0 + s) for s in range(3)]
    return rows + [
        row(seed=s, round=r, arm="winning", value=value, kept=int(1000 * 0.5**r))
        for r, value in values.items()
        for s in range(3)
    ]


def test_the_sparsest_level_that_keeps_up_with_dense() -> None:
    rows = curve({1: 12.0, 2: 8.0, 3: 9.5, 4: 8.9})
    level = st.sparsest_match(rows, "winning", higher_is_better=True)
    assert level is not None and level.round == 3
    level = st.sparsest_match(rows, "winning", higher_is_better=False)
    assert level is not None and level.round == 4
    assert st.sparsest_match(curve({1: 5.0}), "winning", higher_is_better=True) is None
    one = [r for r in rows if r.seed == 0]
    assert st.sparsest_match(one, "winning", higher_is_better=True) is None


def test_value_relative_to_dense_and_the_nearest_level() -> None:
    rows = curve({1: 12.0, 2: 8.0})
    assert st.ratio_to_dense(rows, "winning", 1) == pytest.approx(1.2)
    assert math.isnan(st.ratio_to_dense(rows, "winning", 9))
    level = st.nearest_level(rows, "winning", 0.67)
    assert level is not None and level.round == 2
    assert st.nearest_level(rows, "winning", 0.9) is None
    negative = [replace(row, value=-row.value) for row in rows]
    assert math.isnan(st.ratio_to_dense(negative, "winning", 1))
    # The ratio is taken over the seeds that have both.
    rows = [r for r in rows if not (r.arm == "dense" and r.seed == 0)]
    assert st.ratio_to_dense(rows, "winning", 1) == pytest.approx(12 / 10.5)


def test_tickets_of_another_experiment_are_a_separate_line() -> None:
    rows = [row(round=1, arm="winning"), row(round=1, arm="winning", source="svhn", value=0.5)]
    assert [lv.mean for lv in st.levels(rows, "winning from svhn")] == [0.5]
    assert [lv.mean for lv in st.levels(rows, "winning")] == [0.9]


def test_two_groups_are_bimodal_and_one_is_not() -> None:
    assert st.is_bimodal([10, 11, 12, 490, 495, 500, 500, 500])
    assert not st.is_bimodal([1, 2, 3, 3, 3, 4, 4, 5])
    assert not st.is_bimodal([10, 490, 495, 500, 500, 500])  # an outlier is no group
    assert not st.is_bimodal([0, 0, 1]) and not st.is_bimodal([2.0] * 9)


def test_a_seed_that_lacks_a_level_is_left_out() -> None:
    rows = [r for r in three_seeds() if not (r.arm == "winning" and r.seed == 2 and r.round == 2)]
    pair = st.paired(rows, "winning", "reinit")
    assert pair is not None and pair.seeds == {0: 2.0, 1: 4.0} and pair.rounds == (1, 2)
    alone = st.paired(rows, "winning", "reinit", {1})
    assert alone is not None and alone.n == 3
