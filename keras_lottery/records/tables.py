"""Small CSV files: atomic writes, and reads with precise errors."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from keras_lottery.errors import LotteryError, shortened
from keras_lottery.files import write_whole
from keras_lottery.pruning import connected
from keras_lottery.types import MaskSet, VariableInfo

_SHOWN = 300
_MOST_STEPS = 2**53
"""Floats represent all whole numbers up to here."""


def layer_rows(masks: MaskSet, infos: Sequence[VariableInfo] = ()) -> list[dict[str, object]]:
    """Returns the rows of `<arm>.layers.csv`: path, kept, size and density of every mask.

    Kernels of a chain of dense layers also have their connected inputs and units.

    Args:
        masks: the masks.
        infos: the variables of the model, for the connected inputs and units.
    """
    connections = connected(masks, infos)
    rows: list[dict[str, object]] = []
    for path, mask in sorted(masks.items()):
        kept = int(mask.sum())
        inputs, units = connections.get(path, (None, None))
        rows.append({
            "path": path, "kept": kept, "size": mask.size,
            "density": kept / mask.size if mask.size else 1.0,
            "connected_inputs": inputs, "connected_units": units,
        })  # fmt: skip
    return rows


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Writes a CSV file atomically; lines end with a line feed on every system."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    write_whole(path, lambda temporary: temporary.write_bytes(text.getvalue().encode()))


def write_mappings(
    path: Path, rows: Iterable[Mapping[str, object]], columns: Sequence[str]
) -> None:
    """Writes mappings under `columns` and then every further key in the order of appearance."""
    rows = list(rows)
    names = list(dict.fromkeys([*columns, *(key for row in rows for key in row)]))
    write_table(path, names, [[_text(row.get(name)) for name in names] for row in rows])


def read_table(
    path: Path, columns: Sequence[str] | None = None, added: Sequence[str] = ()
) -> list[dict[str, str]]:
    """Returns the rows of a CSV file as `{column: text}`.

    Args:
        path: the file.
        columns: the required header; None accepts any.
        added: the last of `columns`, which older files lack.

    Raises:
        LotteryError: the file is truncated, not a table, or has another header.
    """
    try:
        text = path.read_bytes().decode()
        lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except FileNotFoundError as error:
        raise LotteryError(f"Expected the file {path}. Received: nothing there.") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _unreadable(path, f"a table of comma-separated values. Received: {error}") from error
    if not lines:
        raise _unreadable(path, "a header line. Received: an empty file")
    header, *rows = lines
    older = tuple(name for name in columns or () if name not in added)
    if columns is not None and tuple(header) not in (tuple(columns), older):
        raise _unreadable(path, f"the header {','.join(columns)}. Received: {_header(header)}")
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            received = f"{len(row)}, {shortened(','.join(row))}"
            raise _unreadable(path, f"{len(header)} cells in row {number}. Received: {received}")
        if any("\0" in cell for cell in row):
            received = shortened(",".join(row))
            raise _unreadable(path, f"row {number} without NUL characters. Received: {received}")
    # A cut inside the last cell leaves the right number of cells; only the line feed is missing.
    if not text.endswith("\n"):
        raise _unreadable(path, f"a whole last line. Received: {shortened(text[-80:])}")
    return [dict(zip(header, row, strict=True)) for row in rows]


def read_numbers(path: Path) -> list[dict[str, float]]:
    """Returns the rows of a CSV file of numbers, such as a history; empty cells are left out.

    Raises:
        LotteryError: the file is not a table of numbers, or a step is out of range.
    """
    rows = read_table(path)
    try:
        numbers = [{k: float(v) for k, v in row.items() if v} for row in rows]
    except ValueError as error:
        raise _unreadable(path, f"numbers. Received: {error}") from error
    for step in (row.get("step", 0.0) for row in numbers):
        if not 0 <= step <= _MOST_STEPS:
            raise _unreadable(path, f"steps from 0 to {_MOST_STEPS}. Received: {step}")
    return numbers


def _header(names: Sequence[str]) -> str:
    text = ",".join(names)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    number = value.item() if hasattr(value, "item") else value
    return repr(number)


def _unreadable(path: Path, problem: str) -> LotteryError:
    return LotteryError(
        f"{path}: expected {problem}. Take the file from a backup, or start the run again in "
        "another folder."
    )
