"""Writes and reads the tables of a run: results.csv, metrics.csv, histories and layer tables."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from keras_lottery.errors import LotteryError
from keras_lottery.files import sweep
from keras_lottery.records.rows import COLUMNS, LayerRow, MetricRow, ResultRow, TableRow
from keras_lottery.records.run_paths import Place, RunPaths
from keras_lottery.records.tables import read_table, write_mappings, write_table
from keras_lottery.types import Training

Row = TypeVar("Row", bound=TableRow)


class Records:
    """Writes the tables of finished trainings; only the driver has one.

    Every file is replaced atomically, and a training's row in results.csv is written last. A killed
    process thus leaves complete files, and resuming overwrites those of an unfinished training.

    Args:
        paths: file names of the run.

    Raises:
        LotteryError: results.csv or metrics.csv is truncated or has another form.
    """

    def __init__(self, paths: RunPaths) -> None:
        self._paths = paths
        self._place = Place(paths.root)
        self._results = read_results(paths.results) if paths.results.exists() else []
        self._done = {row.training for row in self._results}
        metrics = read_metrics(paths.metrics) if paths.metrics.exists() else []
        kept = [row for row in metrics if row.training in self._done]
        # Rows are kept as text, so that appending one doesn't format the others again.
        self._result_texts = [row.texts() for row in self._results]
        self._metric_texts = [row.texts() for row in kept]
        if len(kept) != len(metrics):
            self._write_metrics()
        sweep(paths.root, "**/.*.tmp")

    @property
    def results(self) -> tuple[ResultRow, ...]:
        """The rows so far, in the order of completion."""
        return tuple(self._results)

    def done(self) -> set[Training]:
        """Returns the trainings that have ended, including diverged and skipped ones."""
        return set(self._done)

    def append(self, row: ResultRow, metrics: Mapping[str, float] | None = None) -> None:
        """Adds the row that marks a training as ended; its other files must be written before.

        Args:
            row: its row in results.csv.
            metrics: its further metrics by name.

        Raises:
            LotteryError: the training already has a row, or a file cannot be written.
        """
        if row.training in self._done:
            raise LotteryError(
                f"Expected a training that has no row in {self._paths.results} yet. "
                f"Received: {row.training}. Ask `done()` before training."
            )
        self._place.check(self._paths.results)
        further = [MetricRow.of(row.training, name, v) for name, v in (metrics or {}).items()]
        if further or not self._paths.metrics.exists():
            self._metric_texts.extend(metric.texts() for metric in further)
            self._write_metrics()
        self._result_texts.append(row.texts())
        write_table(self._paths.results, COLUMNS, self._result_texts)
        self._results.append(row)
        self._done.add(row.training)

    def write_history(self, training: Training, rows: Iterable[Mapping[str, float]]) -> None:
        """Writes the evaluations of one training, one row each; `step` is the first column."""
        self._write(self._paths.history(training), rows, ("step",))

    def write_layers(self, training: Training, rows: Iterable[Mapping[str, object]]) -> None:
        """Writes kept, size and density of each masked variable; see `layer_rows`."""
        self._write(self._paths.layers(training), rows, LayerRow.columns())

    def write_extra(
        self, training: Training, name: str, rows: Iterable[Mapping[str, float | str]]
    ) -> None:
        """Writes an extra table, e.g. of samples."""
        self._write(self._paths.table(training, name), rows, ())

    def _write(
        self, path: Path, rows: Iterable[Mapping[str, object]], columns: tuple[str, ...]
    ) -> None:
        self._place.check(path)
        write_mappings(path, rows, columns)

    def _write_metrics(self) -> None:
        write_table(self._paths.metrics, MetricRow.columns(), self._metric_texts)


def read_results(path: Path) -> list[ResultRow]:
    """Returns the rows of a results.csv in the order of completion.

    Raises:
        LotteryError: the file is missing or truncated, has another form, or has a training twice.
    """
    rows = read_rows(path, ResultRow)
    seen: set[Training] = set()
    for number, row in enumerate(rows, start=2):
        if row.training in seen:
            raise LotteryError(
                f"{path}, row {number}: expected one row per training. "
                f"Received: two of {row.training}. Remove one of them."
            )
        seen.add(row.training)
    return rows


def read_metrics(path: Path) -> list[MetricRow]:
    """Returns the rows of a metrics.csv.

    Raises:
        LotteryError: the file is missing or truncated, or has another form.
    """
    return read_rows(path, MetricRow)


def read_rows(path: Path, kind: type[Row]) -> list[Row]:
    """Returns the rows of a table whose columns are the fields of `kind`.

    Raises:
        LotteryError: the file is missing or truncated, or has another form.
    """
    rows = []
    for number, texts in enumerate(read_table(path, kind.columns(), kind.added()), start=2):
        try:
            row = kind.parse(texts)
        except ValueError as error:
            raise _wrong_row(path, number, kind, str(error)) from error
        if problem := row.problem():
            raise _wrong_row(path, number, kind, problem)
        rows.append(row)
    return rows


def _wrong_row(path: Path, number: int, kind: type, problem: str) -> LotteryError:
    again = " to train it again" if kind is ResultRow else ""  # nothing measures the others again
    return LotteryError(
        f"{path}, row {number}: expected text and numbers as in its header. "
        f"Received: {problem}. Correct the row, or remove it{again}."
    )
