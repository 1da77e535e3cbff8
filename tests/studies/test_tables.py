"""Rows that no run writes are refused when a table is read."""

from dataclasses import replace
from pathlib import Path

import pytest

from keras_lottery.errors import LotteryError
from keras_lottery.records import read_rows
from keras_lottery.records.tables import write_table
from keras_lottery.studies.equilibrium.rows import (
    COUNTS,
    EPOCHS,
    TRAININGS,
    CountRow,
    EpochRow,
    TrainingRow,
)
from keras_lottery.studies.instability.rows import FILE, PathRow

RESULTS = Path(__file__).parents[2] / "docs/results"
KEPT = {
    TrainingRow: RESULTS / "equilibrium_digits" / TRAININGS,
    EpochRow: RESULTS / "equilibrium_digits" / EPOCHS,
    CountRow: RESULTS / "equilibrium_digits" / COUNTS,
    PathRow: RESULTS / "instability_small_cnn_digits" / FILE,
}


@pytest.mark.parametrize(
    ("kind", "wrong", "said"),
    [
        (TrainingRow, {"accuracy": 97.1}, "an accuracy from 0 to 1, not 97.1"),
        (TrainingRow, {"full_flops": 0.0}, "full_flops above 0, not 0.0"),
        (TrainingRow, {"status": "done"}, "status .*, not 'done'"),
        (EpochRow, {"epoch": 0}, "an epoch from 1, not 0"),
        (EpochRow, {"frozen": -0.5}, "frozen from 0 to 1, not -0.5"),
        (CountRow, {"frozen": 10**6}, "frozen from 0 to neurons = .*, not 1000000"),
        (PathRow, {"alpha": 1.5}, "alpha from 0 to 1, not 1.5"),
        (PathRow, {"test_error": 12.0}, "test_error from 0 to 1, not 12.0"),
        (PathRow, {"remaining": float("nan")}, "remaining from 0 to 1, not nan"),
    ],
)
def test_a_row_that_cannot_be_is_named(kind, wrong, said, tmp_path):
    row = read_rows(KEPT[kind], kind)[0]
    write_table(tmp_path / "table.csv", kind.columns(), [replace(row, **wrong).texts()])
    with pytest.raises(LotteryError, match=rf"table.csv, row 2: .*Received: expected {said}"):
        read_rows(tmp_path / "table.csv", kind)
