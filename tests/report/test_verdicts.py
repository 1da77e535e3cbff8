"""Verdicts on declared claims, at numbers that can be worked out by hand."""

import math

import pytest

from keras_lottery.config.claims import Claim
from keras_lottery.report.verdicts import (
    AGREES,
    DISAGREES,
    NOT_COMPARABLE,
    NOT_SHOWN,
    Measurement,
    adjust,
    holm,
    judge,
    seeds_needed,
    sign_flip_p,
    verdict_of,
)

PAPER = "A 2019 (1), figure 1"


def claim(compare="winning > reinit", **fields):
    return Claim(**{"says": "…", "source": PAPER, "compare": compare} | fields)


def table(ours, others, round=1, remaining=0.5, control="reinit"):
    """One measurement per seed and arm."""
    at = 0 if control == "dense" else round
    left = 1.0 if control == "dense" else remaining
    return [
        *(Measurement("winning", round, remaining, seed, v) for seed, v in enumerate(ours)),
        *(Measurement(control, at, left, seed, v) for seed, v in enumerate(others)),
    ]


@pytest.mark.parametrize(
    ("compare", "interval", "verdict"),
    [
        ("winning > reinit", (1, 2, 3), AGREES),
        ("winning > reinit", (-1, 2, 5), NOT_SHOWN),
        ("winning > reinit", (-3, -2, -1), DISAGREES),
        ("winning > reinit by 4", (1, 2, 3), DISAGREES),  # there, but smaller than what matters
        ("winning > reinit by 2.5", (1, 2, 3), NOT_SHOWN),
        ("winning < reinit", (-3, -2, -1), AGREES),
        ("winning < reinit", (1, 2, 3), DISAGREES),
        ("winning < reinit by 1", (-0.5, 0, 0.5), DISAGREES),
        ("winning >= reinit within 1", (-0.5, 0, 0.5), AGREES),
        ("winning >= reinit within 1", (-2, 0, 2), NOT_SHOWN),
        ("winning >= reinit within 1", (-4, -3, -2), DISAGREES),
        ("winning == reinit within 1", (-0.5, 0, 0.5), AGREES),
        ("winning == reinit within 1", (-0.5, 0, 1.5), NOT_SHOWN),
        ("winning == reinit within 1", (2, 3, 4), DISAGREES),
        ("winning > reinit", (math.nan, 2, math.nan), NOT_SHOWN),
    ],
)
def test_the_verdict_follows_from_the_interval_and_the_margin(compare, interval, verdict):
    assert verdict_of(claim(compare), *interval) == verdict


def test_p_counts_the_sign_assignments_that_reach_the_observed_mean():
    assert sign_flip_p([1, 1, 1]) == 1 / 8
    assert sign_flip_p([1, 1, -1]) == 4 / 8  # +++, and three assignments with one minus
    assert sign_flip_p([-1, -1, -1]) == 1
    assert math.isnan(sign_flip_p([]))


def test_p_of_many_seeds_is_estimated_and_that_of_an_unknown_difference_is_unknown():
    assert sign_flip_p([1] * 25) == 1 / (2**16 + 1)
    assert sign_flip_p([1, -1] * 13) == pytest.approx(0.577, abs=0.01)  # 13 of 26 or more
    values = [10.0, 11.0, 12.0, 13.0, math.nan]
    measured = [Measurement("a", 1, 0.5, seed, value) for seed, value in enumerate(values)]
    (verdict,) = judge(claim("a < 20"), measured, higher_is_better=True)
    assert verdict.verdict == NOT_SHOWN and math.isnan(verdict.p)


def test_holm_corrects_the_smallest_p_most_and_keeps_the_order():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, 0.7]) == [1.0, 1.0]


def test_claims_are_corrected_within_their_paper():
    rows = table([2, 3, 4, 5, 6], [1] * 5)
    first = judge(claim(), rows, True)
    other = judge(claim(source="B 2020 (2), table 1"), rows, True)
    adjusted = adjust([*first, *first, *other])
    assert [v.adjusted_p for v in adjusted] == [2 / 32, 2 / 32, 1 / 32]


def test_comparisons_that_cannot_be_significant_do_not_count_for_the_correction():
    five = judge(claim(), table([2, 3, 4, 5, 6], [1] * 5), True)
    four = judge(claim(), table([2, 3, 4, 5], [1] * 4), True)
    counted, skipped = adjust([*five, *four])
    assert counted.adjusted_p == counted.p == 1 / 32
    assert skipped.p == 1 / 16
    assert math.isnan(skipped.adjusted_p)


def test_seeds_needed_are_those_of_a_paired_t_test():
    # Tables of the paired t test at 5 %, power 80 %: d = 0.5 takes 34 pairs, d = 1 takes 10.
    assert seeds_needed(0.5) == 34
    assert seeds_needed(1.0) == seeds_needed(-1.0) == 10
    assert seeds_needed(0.0) is None
    assert seeds_needed(math.inf) == 2


def test_pairs_are_seeds_and_draws_are_averaged():
    rows = [*table([2, 4], [1, 1]), Measurement("reinit", 1, 0.5, 0, 3.0)]  # seed 0: mean 2
    (verdict,) = judge(claim(), rows, True)
    assert verdict.seeds == ((0, 0.0), (1, 3.0))
    assert verdict.mean == 1.5
    assert verdict.n == 2


def test_a_lower_metric_turns_the_verdict_and_not_the_difference():
    rows = table([1, 1.1, 0.9], [2, 2, 2])
    (lower,), (higher,) = judge(claim(), rows, False), judge(claim(), rows, True)
    assert lower.mean == higher.mean == pytest.approx(-1)
    assert (lower.verdict, higher.verdict) == (AGREES, DISAGREES)
    assert (lower.p, higher.p) == (1 / 8, 1)


def test_levels_outside_the_claim_are_left_out_and_those_inside_averaged_within_seeds():
    rows = [
        *table([5, 5], [0, 0], round=1, remaining=0.8),
        *table([3, 5], [2, 2], round=2, remaining=0.4),
        *table([2, 2], [1, 1], round=3, remaining=0.2),
    ]
    (pooled,) = judge(claim(remaining=(0.0, 0.5)), rows, True)
    assert pooled.seeds == ((0, 1.0), (1, 2.0))
    each = judge(claim(remaining=(0.0, 0.5), by_level=True), rows, True)
    assert [(v.level, v.mean) for v in each] == [(0.4, 2.0), (0.2, 1.0)]


def test_dense_is_compared_at_round_0_and_a_printed_number_needs_no_control():
    (against,) = judge(claim("winning > dense"), table([3, 4], [1, 1], control="dense"), True)
    assert against.mean == 2.5
    (printed,) = judge(claim("winning > 0.953"), table([0.9, 0.92], [0, 0]), True)
    assert printed.mean == pytest.approx(-0.043)


def test_a_control_as_good_as_dense_leaves_nothing_to_gain():
    dense = [Measurement("dense", 0, 1.0, seed, 5.0) for seed in range(2)]
    rows = [*table([5, 5], [4.5, 4.9]), *dense]
    wide, narrow = claim("winning > reinit by 0.5"), claim("winning > reinit by 0.2")
    for of, higher, at_ceiling in (
        (wide, True, True),
        (narrow, True, False),
        (narrow, False, True),
    ):
        assert judge(of, rows, higher)[0].at_ceiling is at_ceiling
    assert not judge(claim("winning > dense by 1"), rows, True)[0].at_ceiling
    assert not judge(wide, table([5, 5], [4, 4]), True)[0].at_ceiling  # dense is unknown


def test_a_seed_without_its_pair_and_an_experiment_without_the_arms_show_nothing():
    (one,) = judge(claim(), table([2, 3], [1]), True)
    assert (one.n, one.verdict) == (1, NOT_SHOWN)
    assert math.isnan(one.p)
    (none,) = judge(claim("one_shot > reinit"), table([2, 3], [1, 1]), True)
    assert (none.n, none.verdict) == (0, NOT_SHOWN)
    (reason,) = judge(claim(not_comparable="dense is undertrained"), table([2, 3], [1, 1]), True)
    assert reason.verdict == NOT_COMPARABLE
    assert reason.n == 2
    assert math.isnan(reason.p)


def test_a_comparison_is_read_from_its_text():
    plain = claim("winning from mnist > permuted_global")
    assert (plain.arm, plain.control) == ("winning from mnist", "permuted_global")
    assert (plain.expect, plain.margin, plain.value) == ("better", 0.0, None)
    printed = claim("n = 32, density 0.125 >= 0.05 within 0.01")
    assert (printed.arm, printed.control, printed.value) == ("n = 32, density 0.125", "", 0.05)
    assert (printed.expect, printed.margin) == ("not_worse", 0.01)


@pytest.mark.parametrize(
    "compare",
    ["winning", "winning > reinit within 1", "winning == reinit", "a >= b by 1", "winning > ", ""],
)
def test_a_comparison_that_does_not_read_is_refused(compare):
    assert len(list(claim(compare).problems())) == 1


def test_a_claim_says_what_is_wrong_with_it():
    assert not list(claim().problems())
    assert len(list(claim(remaining=(0.5, 0.1), field="loss").problems())) == 2


def test_a_level_is_that_of_the_arm_which_the_claim_is_about():
    others = [Measurement("supermask", 1, 0.05, seed, 0.0) for seed in range(3)]
    measured = [*table([1, 2, 3], [0, 0, 0], remaining=0.8), *others]
    (verdict,) = judge(claim(by_level=True), measured, True)
    assert verdict.level == pytest.approx(0.8)


def test_seeds_that_share_no_level_decide_nothing():
    measured = [*table([1.0], [0.0]), *table([1.0], [0.0], round=2, remaining=0.2)]
    measured = [m if m.round == 1 else Measurement(m.arm, 2, 0.2, 1, m.value) for m in measured]
    (verdict,) = judge(claim(), measured, True)
    assert (verdict.verdict, verdict.n) == (NOT_SHOWN, 0)


@pytest.mark.parametrize(
    ("compare", "margin", "value"),
    [
        ("winning > reinit by 1e-3", 1e-3, None),
        ("winning > reinit by .5", 0.5, None),
        ("supermask >= -1.5e-1 within 0.005", 0.005, -0.15),
    ],
)
def test_numbers_of_any_form(compare, margin, value):
    assert not list(claim(compare).problems())
    assert (claim(compare).margin, claim(compare).value) == (margin, value)


@pytest.mark.parametrize(
    "compare",
    [
        "winning > reinit by x",
        "winning > reinit within 0.5",
        "winning >  reinit",
        "0.5 > winning",
        "winning > reinit by 1 by 2",
    ],
)
def test_a_margin_is_no_part_of_an_arms_name(compare):
    assert "expected 'A > B'" in next(iter(claim(compare).problems()))
