"""Whole numbers of weights."""

from fractions import Fraction

import numpy as np
import pytest

from keras_lottery.pruning.counts import count


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
