"""Outputs of trained networks for a few test examples, as text."""

from collections.abc import Mapping

from keras_lottery.records import ResultRow, read_table
from keras_lottery.records.run_paths import SAMPLES
from keras_lottery.report.document import Table
from keras_lottery.report.formatting import percent
from keras_lottery.report.results import DENSE, Results

ANSWER = "answer"


def samples_table(results: Results) -> Table | None:
    """Returns the first seed's samples of dense, and of each arm at its sparsest level.

    None if the task has no samples.
    """
    seed = min(results.seeds, default=None)
    by_arm: dict[str, list[dict[str, str]]] = {}
    for arm in dict.fromkeys((DENSE, results.main, *results.arms)):
        rows = [row for row in results.rows if (row.arm, row.seed) == (arm, seed)]
        last = max(rows, key=lambda row: row.round, default=None)
        path = results.paths.table(last.training, SAMPLES) if last else None
        if last and path and path.exists() and (answers := read_table(path)):
            by_arm[_title(last)] = answers
    if not by_arm:
        return None
    first = next(iter(by_arm.values()))
    inputs = [name for name in first[0] if name != ANSWER]
    cells = [
        [_cell(rows[0], name) for name in inputs] + [_cell(row, ANSWER) for row in rows]
        for rows in zip(*by_arm.values(), strict=False)
    ]
    note = f"The first test examples, seed {seed}; each arm at its sparsest finished level."
    return Table("Samples", [*inputs, *by_arm], cells, note)


def _title(row: ResultRow) -> str:
    return row.arm if row.arm == DENSE else f"{row.arm}, {percent(row.remaining)} remaining"


def _cell(row: Mapping[str, str], name: str) -> str:
    return row.get(name, "") or "(nothing)"
