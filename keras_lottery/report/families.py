"""Arms that are drawn together, each family in figures of its own beside the winning ticket."""

from dataclasses import replace

from keras_lottery.arms import FAMILIES
from keras_lottery.records import read_metrics
from keras_lottery.report.study import WINNING, Study


def without_families(study: Study) -> Study:
    """Returns the study with the arms that belong to no family."""
    together = {arm for arms in FAMILIES.values() for arm in arms}
    return study.subset([arm for arm in study.arms if arm not in together])


def families(study: Study) -> dict[str, Study]:
    """Returns the winning ticket with the arms of each family that the study has, by its title."""
    found = {name: [arm for arm in arms if arm in study.arms] for name, arms in FAMILIES.items()}
    return {
        name.replace("_", " ").capitalize(): study.subset([WINNING, *arms])
        for name, arms in found.items()
        if arms
    }


def at_start(study: Study) -> Study | None:
    """Returns the study with the metric before the first step; None where it was not measured."""
    name = f"initial_{study.metric}"
    values = {}
    if study.paths.metrics.exists():
        rows = read_metrics(study.paths.metrics)
        values = {row.training: row.value for row in rows if row.name == name}
    rows_at_start = tuple(
        replace(row, metric=name, value=values[row.training])
        for row in study.rows
        if row.training in values
    )
    return replace(study, rows=rows_at_start) if rows_at_start else None
