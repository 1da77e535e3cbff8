"""The gap in a spectrum, on values done in the head."""

import numpy as np
import pytest

from keras_lottery.errors import LotteryError
from keras_lottery.pruning import Gap, Spectrum, window

DIAGONAL = {"a": np.array([[0.0, -8.0], [1.0, 2.0]]), "b": np.array([4.0, -9.0, 0.0])}


def test_the_gap_is_the_largest_that_the_window_allows():
    spectrum = Spectrum(DIAGONAL)
    assert spectrum.values.tolist() == [1, 2, 4, 8, 9] and spectrum.zeros == 2
    assert spectrum.largest_gap((3, 4)) == Gap(3, 0.5)
    assert spectrum.largest_gap((4, 9)) == Gap(4, pytest.approx(1 / 9))
    assert spectrum.largest_gap((0, 2)) == Gap(1, 0.5)


def test_windows_of_the_rounds_lie_side_by_side():
    assert window(100, 40) == (26, 63)
    assert window(40, 16) == (11, 25)


def test_the_table_begins_and_ends_with_the_spectrum():
    values = np.arange(1.0, 5001.0)
    rows = Spectrum({"w": values}).rows()
    assert len(rows) <= 400 and rows[0]["value"] == 1 and rows[-1]["value"] == 5000
    assert all(row["index"] == row["value"] for row in rows)


def test_a_spectrum_without_values_or_room_is_an_error():
    with pytest.raises(LotteryError, match="0 for every weight"):
        Spectrum({"w": np.zeros(4)})
    with pytest.raises(LotteryError, match="more than 6 weights"):
        Spectrum(DIAGONAL).largest_gap((6, 9))
