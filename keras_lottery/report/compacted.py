"""Sizes and latencies of compacted tickets next to their value."""

from dataclasses import dataclass

import pandas as pd

from keras_lottery.records import CompactedRow, read_rows, series
from keras_lottery.report.document import Table
from keras_lottery.report.formatting import count, percent, unit_of
from keras_lottery.report.results import Results
from keras_lottery.report.statistics import Level, levels

__all__ = ["CompactedLevel", "compacted_levels", "compacted_table"]


@dataclass(frozen=True)
class CompactedLevel:
    """The compacted tickets of one round, means over seeds.

    Args:
        level: value of the tickets.
        sizes: mean of each column of compacted.csv.
        shares: mean of the ratio to dense of each column.
    """

    level: Level
    sizes: dict[str, float]
    shares: dict[str, float]


MEASURED = ("parameters", "bytes", "flops", "seconds_1", "seconds_32")


def compacted_levels(results: Results) -> list[CompactedLevel]:
    """Returns the compacted tickets of the main arm by round; empty if none were measured."""
    path = results.paths.compacted
    rows = {row.training: row for row in results.rows if series(row) == results.main}
    known = [
        r for r in (read_rows(path, CompactedRow) if path.exists() else ()) if r.training in rows
    ]
    if results.main is None or not known:
        return []
    measured = pd.DataFrame(
        [{name: getattr(row, name) for name in ("round", *MEASURED)} for row in known]
    )
    shares = pd.DataFrame(
        [
            {"round": row.round}
            | {name: getattr(row, name) / getattr(row, f"dense_{name}") for name in MEASURED}
            for row in known
        ]
    )
    sizes_by_round, shares_by_round = (t.groupby("round").mean() for t in (measured, shares))
    tickets = [rows[row.training] for row in known]
    return [
        CompactedLevel(
            level,
            sizes_by_round.loc[level.round].to_dict(),
            shares_by_round.loc[level.round].to_dict(),
        )
        for level in levels(tickets, results.main)
    ]


def compacted_table(results: Results, by_round: list[CompactedLevel]) -> Table:
    """Returns one row per level: value, parameters, bytes, FLOPs and latency."""
    unit = unit_of(results.rows)
    rows = [
        [
            str(at.level.round),
            percent(at.level.remaining),
            unit.spread(at.level.mean, at.level.sd),
            f"{count(at.sizes['parameters'])} ({percent(at.shares['parameters'])})",
            f"{at.sizes['bytes'] / 1e6:.3g}",
            percent(at.shares["flops"]),
            _latency(at, "seconds_1"),
            _latency(at, "seconds_32"),
        ]
        for at in by_round
    ]
    header = [
        "round", "remaining", unit.axis, "parameters", "MB", "FLOPs of dense",
        "batch 1 [ms]", "batch 32 [ms]",
    ]  # fmt: skip
    note = (
        f"Tickets of `{results.main}` with their pruned channels removed; means over seeds. "
        "Latency of a compiled forward pass where the run was made; × is how much faster than the "
        "dense network, measured alternately."
    )
    return Table("", header, rows, note)


def _latency(at: CompactedLevel, name: str) -> str:
    return f"{at.sizes[name] * 1e3:.3g} (× {1 / at.shares[name]:.2f})"
