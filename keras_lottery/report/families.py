"""Arms that are drawn together, each family in figures of its own beside the winning ticket."""

from dataclasses import replace

from keras_lottery.arms import FAMILIES
from keras_lottery.records import read_metrics
from keras_lottery.report.results import WINNING, Results


def without_families(results: Results) -> Results:
    """Returns the results of the arms that belong to no family."""
    together = {arm for arms in FAMILIES.values() for arm in arms}
    return results.subset([arm for arm in results.arms if arm not in together])


def families(results: Results) -> dict[str, Results]:
    """Returns the winning ticket with the arms of each family that was trained, by its title."""
    found = {name: [arm for arm in arms if arm in results.arms] for name, arms in FAMILIES.items()}
    return {
        name.replace("_", " ").capitalize(): results.subset([WINNING, *arms])
        for name, arms in found.items()
        if arms
    }


def at_start(results: Results) -> Results | None:
    """Returns the results with the metric before the first step; None where it was not measured."""
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
