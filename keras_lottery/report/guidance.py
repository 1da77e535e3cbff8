"""Guidance in a run's own report: its arms in words, bytes, and the next command."""

import shlex

from keras_lottery.arms import arms
from keras_lottery.report.document import Block, Bullets, Code, Heading, Table, Text
from keras_lottery.report.formatting import count, percent
from keras_lottery.report.results import DENSE, Results
from keras_lottery.report.statistics import levels, sparsest_match

_FLOAT = 4  # bytes
_MOST_ROWS = 8


def guidance(results: Results) -> list[Block]:
    """Returns the section of a ticket search: arms in words, bytes, and what to do next."""
    explained = [f"`{name}`: {_sentence(name)}" for name in (DENSE, *results.arms)]
    table, command = size_table(results), export_command(results)
    blocks: list[Block] = [Heading("The networks"), Bullets(explained)]
    blocks += [table] if table else []
    if command:
        blocks += [Text("To export the trained network of a ticket:"), Code(command)]
    return blocks


def _sentence(name: str) -> str:
    known = name.partition(" from ")[0]  # a transferred ticket's
    described = arms.describe(known) if arms.registered(known) else ""
    return described or "An arm of another package."


def size_table(results: Results) -> Table | None:
    """Returns the bytes of the main arm's weights, dense and packed; None without the arm.

    The format `packed` stores a bit per prunable weight and the values of the surviving ones.
    """
    if results.main is None:
        return None
    row = next(row for row in results.rows if row.arm in (DENSE, results.main))
    dense = _FLOAT * row.total
    rows = []
    for level in levels(results.rows, results.main):
        packed = row.prunable / 8 + _FLOAT * (row.total - row.prunable + level.kept)
        rows.append([
            str(level.round), percent(level.remaining), count(dense), count(packed),
            percent(packed / dense),
        ])  # fmt: skip
    step = -(-len(rows) // _MOST_ROWS)
    shown = rows[::-1][::step][::-1]
    header = ["round", "remaining", "dense [bytes]", "packed [bytes]", "packed ÷ dense"]
    note = (
        "Bytes of single-precision weights: all of them, and as `--format=packed` stores them, a "
        "bit per prunable weight and the surviving values. `export` measures the files, gzipped "
        "too."
    )
    return Table("Size of the ticket", header, shown, note)


def export_command(results: Results) -> str:
    """Returns the command that exports a trained ticket; empty if the run keeps none."""
    if results.main is None:
        return ""
    kept = {
        row.round
        for row in results.rows
        if row.arm == results.main
        and not row.source
        and results.paths.trained(row.training).exists()
    }
    if not kept:
        return ""
    match = sparsest_match(results.rows, results.main, results.higher_is_better)
    number = f" --round={match.round}" if match and match.round in kept else ""
    run = shlex.quote(results.paths.root.as_posix())
    return f"keras-lottery export --run={run}{number} --format=saved_model --out=model"
