"""The table that the study writes, in its run folder."""

import math
from dataclasses import dataclass

from keras_lottery.records import TableRow, read_rows
from keras_lottery.records.run_paths import RunPaths

FILE = "path.csv"


@dataclass(frozen=True)
class PathRow(TableRow):
    """One network on the line between two copies.

    Args:
        point: duration at which the copies branch off.
        subject: `dense`, or the arm whose ticket is copied.
        seed: seed of their parent network.
        pair: numbers of the two copies.
        step: optimizer step of the point.
        remaining: fraction of the prunable weights kept, in [0, 1].
        alpha: position on the line: 0 is the second copy, 1 the first.
        test_error: error on the test set, in [0, 1]; NaN, in one row for the pair, if a copy or
            its parent diverged.
        train_error: likewise on the training data.
    """

    point: str
    subject: str
    seed: int
    pair: str
    step: int
    remaining: float
    alpha: float
    test_error: float
    train_error: float

    def problem(self) -> str:
        for name in ("remaining", "alpha", "test_error", "train_error"):
            value = getattr(self, name)
            if not (0 <= value <= 1 or (name.endswith("error") and math.isnan(value))):
                return f"expected {name} from 0 to 1, not {value}"
        return ""


def read(paths: RunPaths) -> list[PathRow]:
    """Returns the rows of a run's path.csv.

    Raises:
        LotteryError: nothing is measured yet.
    """
    return read_rows(paths.root / FILE, PathRow)
