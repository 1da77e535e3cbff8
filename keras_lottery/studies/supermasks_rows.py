"""The tables of the study `supermasks`: rows like those of results.csv, one per measured mask.

`arm` is `<criterion>/<weights>` and `round` the level; nothing is trained, so `steps` is 0.
"""

from pathlib import Path

from keras_lottery.records import COLUMNS, ResultRow, read_results
from keras_lottery.records.tables import write_table

LEVELS = "levels.csv"
"""Every criterion and level; `value` on held-out images."""

CHOSEN = "chosen.csv"
"""The level of best value on held-out images (`best_value`); `value` on the test set."""


def arm_name(criterion: str, weights: str) -> str:
    """Returns what a mask criterion over some untrained weights is called."""
    return f"{criterion}/{weights}"


class Rows:
    """A table that grows row by row; a row that is there is finished.

    Args:
        path: its file, whole after every row.

    Raises:
        LotteryError: the file is cut off or of another kind.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.rows = read_results(path) if path.exists() else []
        self.done = {row.training for row in self.rows}

    def append(self, row: ResultRow) -> None:
        """Writes one more row."""
        self.rows.append(row)
        self.done.add(row.training)
        write_table(self._path, COLUMNS, [one.texts() for one in self.rows])
