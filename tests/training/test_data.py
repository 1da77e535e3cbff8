"""The order of the data: from a seed, the same everywhere, every example once an epoch."""

import numpy as np
import pytest

from keras_lottery.errors import LotteryError
from keras_lottery.training import DataOrder, length


def test_every_example_once_an_epoch_in_an_order_of_its_own():
    order = DataOrder(10, 5, seed=3)
    first, second = order.rows(0, 2), order.rows(2, 4)
    assert sorted(first.ravel()) == sorted(second.ravel()) == list(range(10))
    assert first.tolist() != second.tolist()
    assert order.permutation(1) is order.permutation(1)  # drawn once, for many compiled calls
    assert order.rows(0, 2).tolist() == first.tolist()
    assert DataOrder(10, 5, seed=4).rows(0, 2).tolist() != first.tolist()


def test_the_order_is_fixed_for_good():
    # Changing it would change every result: this is the order of seed 0, epoch 0.
    assert DataOrder(8, 8, seed=0).rows(0, 1)[0].tolist() == [3, 6, 4, 0, 7, 5, 2, 1]


def test_the_smaller_last_batch_is_left_out_or_a_run_of_its_own():
    assert DataOrder(11, 5).steps_per_epoch == 2
    kept = DataOrder(11, 5, drop_remainder=False)
    assert kept.steps_per_epoch == 3
    assert [kept.run_end(s) for s in range(4)] == [2, 2, 3, 5]
    assert kept.rows(2, 3).shape == (1, 1)
    seen = np.concatenate([kept.rows(0, 2).ravel(), kept.rows(2, 3).ravel()])
    assert sorted(seen) == list(range(11))


def test_unshuffled_examples_keep_their_order():
    assert DataOrder(4, 2, shuffle=False).rows(0, 2).tolist() == [[0, 1], [2, 3]]


def test_a_batch_larger_than_the_data_is_an_error():
    with pytest.raises(LotteryError, match="3 training examples"):
        DataOrder(3, 4)


def test_arrays_of_unequal_length_are_an_error():
    with pytest.raises(LotteryError, match=r"\[2, 3\]"):
        length((np.zeros(2), np.zeros(3)))
