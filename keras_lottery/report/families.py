"""Families of arms, each drawn in separate figures together with the winning ticket."""

from dataclasses import replace

from keras_lottery.arms import FAMILIES
from keras_lottery.records import read_metrics
from keras_lottery.report.results import WINNING, Results


def without_families(results: Results) -> Results:
    """Returns the results of the arms outside all families."""
    members = {arm for arms in FAMILIES.values() for arm in arms}
    return results.subset([arm for arm in results.arms if arm not in members])


def families(results: Results) -> dict[str, Results]:
    """Returns by title, for each trained family, the winning ticket and the family's arms."""
    trained = {n: [arm for arm in arms if arm in results.arms] for n, arms in FAMILIES.items()}
    return {
        name.replace("_", " ").capitalize(): results.subset([WINNING, *arms])
        for name, arms in trained.items()
        if arms
    }


def at_start(results: Results) -> Results | None:
    """Returns the results with the metric before the first step; None if it was not measured."""
    name = f"initial_{results.metric}"
    values = {}
    if results.paths.metrics.exists():
        rows = read_metrics(results.paths.metrics)
        values = {row.training: row.value for row in rows if row.name == name}
    rows_at_start = tuple(
        replace(row, metric=name, value=values[row.training])
        for row in results.rows
        if row.training in values
    )
    return replace(results, rows=rows_at_start) if rows_at_start else None
