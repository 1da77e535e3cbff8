"""The solver agrees with brute force, and works at sizes where that is out of reach."""

from itertools import combinations

import numpy as np
import pytest

from keras_lottery.errors import LotteryError
from keras_lottery.studies.strong_tickets.subset_sum import MOST, SubsetSums


@pytest.mark.parametrize("n, k", [(1, 1), (2, 1), (5, 5), (8, 3), (9, 4), (11, 9)])
def test_nearest_is_the_best_of_all_subsets(n, k):
    rng = np.random.default_rng(n)
    values, targets = rng.uniform(-1, 1, n), rng.uniform(-2, 2, 6)
    found = SubsetSums(values, k).nearest(k, targets)
    every = np.array([values[list(subset)].sum() for subset in combinations(range(n), k)])
    np.testing.assert_allclose(found.errors, np.abs(every[:, None] - targets).min(axis=0))
    assert (found.chosen.sum(axis=1) == k).all()
    np.testing.assert_allclose(found.chosen @ values, found.sums, atol=1e-12)


def test_forty_four_numbers_have_a_subset_of_half_of_them_nearly_anywhere():
    values = np.random.default_rng(0).uniform(-1, 1, 44)
    found = SubsetSums(values, 22).nearest(22, [0.3])
    assert found.chosen.sum() == 22
    assert abs(values[found.chosen[0]].sum() - 0.3) < 1e-8  # C(44, 22) = 2·10¹² sums


def test_powers_of_two_have_one_subset_each():
    found = SubsetSums(2.0 ** np.arange(10)).nearest(3, [2 + 16 + 512])
    assert found.errors == [0]
    assert np.flatnonzero(found.chosen[0]).tolist() == [1, 4, 9]


@pytest.mark.parametrize("k", [0, -1, 6, 0.5, True])
def test_k_lies_between_1_and_n(k):
    with pytest.raises(LotteryError, match="from 1 to n = 5"):
        SubsetSums(np.ones(5)).nearest(k, [1.0])


@pytest.mark.parametrize("shape", [(0,), (MOST + 1,), (2, 2)])
def test_the_numbers_are_a_short_list(shape):
    with pytest.raises(LotteryError, match="list of 1 to 48 numbers"):
        SubsetSums(np.ones(shape))
