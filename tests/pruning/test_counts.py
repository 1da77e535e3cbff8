"""Whole numbers of weights."""

from fractions import Fraction

import numpy as np
import pytest

from keras_lottery.pruning.counts import count, share_out


@pytest.mark.parametrize(
    ("share", "size", "expected"),
    [
        (0.2, 266_200, 53_240),
        (0.2, 99, 19),
        (0.29, 100, 29),
        (0.57, 100, 57),
        (3 / 7, 7, 3),
        (0.999, 1000, 999),
        (0.0, 10, 0),
        (1.0, 10, 10),
        (0.5, 0, 0),
        (np.float32(0.5), 3, 1),
        (Fraction(9, 10), 10, 9),
    ],
)
def test_count_rounds_down_as_meant(share, size, expected):
    assert count(share, size) == expected


def test_a_sparsity_read_off_gives_its_count_again():
    for size in range(1, 60):
        assert [count(k / size, size) for k in range(size + 1)] == list(range(size + 1))


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
