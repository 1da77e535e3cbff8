"""A table that grows while a study runs, so that a killed study can resume from it."""

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
    """A CSV file that rows are appended to; every append replaces the file atomically.

    Args:
        path: the file; it need not exist yet.
        kind: dataclass of its rows.

    Raises:
        LotteryError: the file is truncated or has another form.
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

    def keep(self, condition: Callable[[Row], bool]) -> None:
        """Drops the rows that don't meet a condition, such as those of a killed training."""
        kept = [row for row in self._rows if condition(row)]
        if len(kept) != len(self._rows):
            self._rows = kept
            self.append()

    def append(self, *rows: Row) -> None:
        """Appends rows that belong together: after a kill, all or none of them are there.

        Raises:
            LotteryError: the table's folder was moved or removed, or cannot be written to.
        """
        self._place.check(self._path)
        self._rows.extend(rows)
        write_table(self._path, self._kind.columns(), [row.texts() for row in self._rows])
