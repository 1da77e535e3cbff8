"""A table that grows while a study runs, so that a study killed at any moment goes on from it."""

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from keras_lottery.files import sweep
from keras_lottery.records.rows import TableRow
from keras_lottery.records.run_paths import Place
from keras_lottery.records.tables import write_table
from keras_lottery.records.writers import read_rows

Row = TypeVar("Row", bound=TableRow)


class GrowingTable(Generic[Row]):
    """The rows of a CSV file, and more of them; the file is replaced as a whole.

    Args:
        path: the file; not there yet where nothing is finished.
        kind: dataclass of its rows.

    Raises:
        LotteryError: the file is cut off or of another kind.
    """

    def __init__(self, path: Path, kind: type[Row]) -> None:
        self._path = path
        self._kind = kind
        sweep(path.parent, "**/.*.tmp")
        self._place = Place(path.parent)
        self._rows = read_rows(path, kind) if path.exists() else []

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows so far, in the order of completion."""
        return tuple(self._rows)

    def keep(self, wanted: Callable[[Row], bool]) -> None:
        """Leaves out the rows that are not wanted, such as those of what a kill cut short."""
        kept = [row for row in self._rows if wanted(row)]
        if len(kept) != len(self._rows):
            self._rows = kept
            self.append()

    def append(self, *rows: Row) -> None:
        """Adds rows that belong together: after a kill all of them are there or none.

        Raises:
            LotteryError: the table's folder was moved or removed, or cannot be written to.
        """
        self._place.check(self._path)
        self._rows.extend(rows)
        write_table(self._path, self._kind.columns(), [row.texts() for row in self._rows])
