"""What the comparison of executors counts as training."""

import os

from benchmarks.executors import ends, training_seconds
from keras_lottery.records.run_paths import RunPaths
from tests.records.made_rows import row as made_row


def test_training_lasts_from_the_first_step_to_the_last_end_whoever_waits():
    # One worker trains from 10 to 13, the other from 11 to 15; from 15 to 19 only one.
    rows = [made_row(seconds=seconds) for seconds in (3.0, 4.0, 4.0)]
    assert training_seconds(rows, [13.0, 15.0, 19.0]) == 9


def test_a_training_ends_when_its_history_is_written(tmp_path):
    row, paths = made_row(), RunPaths(tmp_path)
    file = paths.history(row.training)
    file.parent.mkdir(parents=True)
    file.touch()
    os.utime(file, (50, 100))
    assert ends(paths, [row]) == [100]
