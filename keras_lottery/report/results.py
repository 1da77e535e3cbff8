"""The data of a report: the rows of one task of a run, and its config.json."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from keras_lottery import checks
from keras_lottery.arms import FAMILIES, LEARNED, arms
from keras_lottery.arms.check_rows import check_rows
from keras_lottery.config.sections import ReportConfig
from keras_lottery.errors import LotteryError
from keras_lottery.records import (
    TICKETS,
    ResultRow,
    read_config,
    read_metrics,
    read_results,
    series,
)
from keras_lottery.records.run_paths import RunPaths

DENSE = "dense"
WINNING = "winning"


@dataclass(frozen=True)
class Results:
    """The finished trainings of one task.

    Args:
        paths: file names of the run; missing files are left out of the report.
        task: name of the task.
        rows: finished rows, sorted by key.
        higher_is_better: direction of the metric.
        config: the full config as plain values.
        facts: versions, backend, devices and everything else in config.json.
        lost: rows of trainings that diverged or were skipped; no statistic uses them.
    """

    paths: RunPaths
    task: str
    rows: tuple[ResultRow, ...]
    higher_is_better: bool
    config: dict[str, Any]
    facts: dict[str, Any]
    lost: tuple[ResultRow, ...] = ()

    @property
    def dense_only(self) -> bool:
        """Whether the config asks for no other network than the dense one."""
        return not self.arms and not self.config.get("arms", True)

    @property
    def name(self) -> str:
        """Name of the experiment."""
        return str(self.config.get("name", self.paths.root.name))

    @property
    def metric(self) -> str:
        """Name of the headline metric."""
        return (*self.rows, *self.lost)[0].metric

    @property
    def seeds(self) -> list[int]:
        """Seeds with at least one finished training."""
        return sorted({row.seed for row in self.rows})

    @property
    def arms(self) -> list[str]:
        """Arms with rows, without `dense`: `winning`, then as in the config, then the others."""
        trained = dict.fromkeys(series(row) for row in self.rows)
        configured = [WINNING, *self.config.get("arms", ())]
        order = [arm for arm in dict.fromkeys(configured) if arm in trained]
        return [arm for arm in dict.fromkeys([*order, *trained]) if arm != DENSE]

    @property
    def sparse(self) -> float:
        """Fraction of weights remaining; arms are compared at this level and sparser ones."""
        return float(self.config.get("report", {}).get("sparse", ReportConfig().sparse))

    @property
    def main(self) -> str | None:
        """The arm that the others are compared with; None if it has no rows."""
        return WINNING if WINNING in self.arms else None

    @property
    def controls(self) -> list[str]:
        """The arms that the main arm is compared with, `dense` last.

        Arms without rounds are left out: they learn how many weights to keep.
        """
        dense = [DENSE] if any(row.arm == DENSE for row in self.rows) else []
        once = {arm for arm in self.arms if arm in arms and arms[arm].once}
        return [arm for arm in self.arms if arm != self.main and arm not in once] + dense

    def subset(self, arms: Collection[str]) -> "Results":
        """Returns the results of only these arms, and of `dense`."""
        rows = tuple(row for row in self.rows if series(row) in {DENSE, *arms})
        return replace(self, rows=rows)


def results_by_task(run: Path) -> list[Results]:
    """Returns the results of each task of a run, the config's task first.

    Raises:
        LotteryError: the folder is not a run folder, no training is finished, or a row of
            results.csv doesn't belong to the run.
    """
    paths = RunPaths(checks.file_path(run, "run"))
    record = read_config(paths)
    rows = read_results(paths.results) if paths.results.exists() else []
    if not rows:
        raise LotteryError(
            f"Expected at least one finished training in {paths.results}. Received: none. "
            "Continue with `keras-lottery run` and the same config."
        )
    check_rows(paths.results, rows, record)
    config = record["config"]
    facts = {k: v for k, v in record.items() if k != "config"}
    main_task = str(config.get("task", ""))
    names = sorted({row.task for row in rows}, key=lambda name: (name != main_task, name))
    return [
        results_of_rows(
            paths,
            name,
            [r for r in rows if r.task == name],
            record["higher_is_better"],
            config,
            facts,
        )
        for name in names
    ]


def study_name(run: Path) -> str:
    """Returns the name of a run folder's study.

    Raises:
        LotteryError: the folder is not a run folder.
    """
    return str(read_config(RunPaths(checks.file_path(run, "run")))["config"].get("study", TICKETS))


def results_of_rows(
    paths: RunPaths,
    task: str,
    rows: Sequence[ResultRow],
    higher_is_better: bool,
    config: dict[str, Any],
    facts: dict[str, Any],
) -> Results:
    """Returns the results of a task's rows, split into finished and lost ones."""
    rows = sorted(rows, key=lambda row: row.training)
    finished = tuple(row for row in rows if row.finished)
    lost = tuple(row for row in rows if not row.finished)
    return Results(paths, task, finished, higher_is_better, config, facts, lost)


def without_families(results: Results) -> Results:
    """Returns the results of the arms outside all families."""
    members = {arm for arms in FAMILIES.values() for arm in arms}
    return results.subset([arm for arm in results.arms if arm not in members])


def without_learned(results: Results) -> Results:
    """Returns the results of the arms that train weights, whose steps can be compared."""
    return results.subset([arm for arm in results.arms if arm not in LEARNED])


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
