"""Overlap of masks, and the overlap expected by chance."""

import numpy as np
import pytest

from keras_lottery.errors import LotteryError
from keras_lottery.tickets import overlap, total

A = {"x": np.array([1, 1, 0, 0], bool), "y": np.ones((2, 5), bool)}
B = {"y": np.ones((2, 5), bool), "x": np.array([0, 1, 1, 0], bool)}


def test_overlap_in_the_head():
    found = overlap(A, B)
    x = found["x"]
    assert list(found) == ["x", "y"]
    assert (x.size, x.kept_a, x.kept_b, x.both) == (4, 2, 2, 1)
    assert x.jaccard == pytest.approx(1 / 3)
    assert x.share == 0.5
    assert (x.expected_both, x.expected_share, x.expected_jaccard) == (1, 0.5, 1 / 3)
    assert found["y"].jaccard == found["y"].expected_jaccard == 1


def test_total_sums_over_the_variables():
    whole = total(overlap(A, B).values())
    assert (whole.size, whole.both, whole.expected_both) == (14, 11, 11)
    assert whole.jaccard == 11 / 13


def test_with_itself_everything_overlaps():
    assert total(overlap(A, A).values()).jaccard == 1


def test_nothing_kept_is_no_division_by_zero():
    none = {"x": np.zeros(3, bool), "empty": np.zeros((0, 2), bool)}
    assert [o.jaccard for o in overlap(none, none).values()] == [1, 1]


def test_chance_is_what_shuffles_give_on_average():
    rng = np.random.default_rng(0)
    mask = np.arange(1000) < 200
    shuffles = [
        overlap({"x": rng.permutation(mask)}, {"x": rng.permutation(mask)})["x"] for _ in range(200)
    ]
    assert np.mean([o.both for o in shuffles]) == pytest.approx(40, abs=1.5)
    assert np.mean([o.jaccard for o in shuffles]) == pytest.approx(
        shuffles[0].expected_jaccard, abs=0.005
    )


def test_masks_of_different_variables_are_an_error():
    with pytest.raises(LotteryError, match="differences in x"):
        overlap(A, {**B, "x": np.ones(5, bool)})
    with pytest.raises(LotteryError, match="differences in y"):
        overlap(A, {"x": B["x"]})
