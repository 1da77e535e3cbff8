"""Where the epochs of `fit` begin and end."""

import numpy as np
import pytest

from keras_lottery.training.epochs import Epochs, epochs_of, is_one_shot


@pytest.mark.parametrize(
    ("batches", "steps", "lengths"),
    [(4, None, [4, 4]), (4, 2, [2, 2, 2]), (4, 3, [3, 1, 3, 1]), (4, 9, [4, 4]), (None, 3, [3, 3])],
)
def test_an_epoch_ends_where_the_data_end_too(batches, steps, lengths):
    epochs = Epochs(batches, steps)
    assert [len(epochs.steps(epoch)) for epoch in range(len(lengths))] == lengths
    expected = [epoch for epoch, length in enumerate(lengths) for _ in range(length)]
    assert [epochs.of(step) for step in range(sum(lengths))] == expected


def test_the_length_comes_from_the_data_or_from_the_settings():
    x = np.zeros((10, 2))
    assert epochs_of(x, 4, None) == Epochs(3)
    assert epochs_of({"a": x, "b": x}, None, 5) == Epochs(5, 5)
    assert epochs_of(iter([x]), None, None) is None
    assert epochs_of(iter([x]), None, 7) == Epochs(None, 7)
    assert is_one_shot(x for _ in "ab") and not is_one_shot(x)
