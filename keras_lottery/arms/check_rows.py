"""Checks that the rows of results.csv belong to the run that config.json records."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_lottery.arms.registry import arms, needed, rounds_of
from keras_lottery.checks import is_path_name
from keras_lottery.errors import LotteryError, shortened
from keras_lottery.records import RESULTS_VERSION_KEY, ResultRow
from keras_lottery.types import DIVERGED, FINISHED, SKIPPED, Training

DENSE = "dense"
WINNING = "winning"


def check_rows(path: Path, rows: Sequence[ResultRow], record: Mapping[str, Any]) -> None:
    """Checks that every row belongs to a training that the run's config asks for.

    Args:
        path: the results.csv of the rows, for the error.
        rows: all of its rows, in order.
        record: contents of config.json.

    Raises:
        LotteryError: a row doesn't belong; the error has its number and the reason.
    """
    run = _Run.of(record, rows)
    for number, row in enumerate(rows, start=2):
        for column, expected in run.problems(row):
            raise LotteryError(
                f"{path}, row {number}: expected {expected}. Received: {column} "
                f"{shortened(str(getattr(row, column)))}. Remove the row to train it again, or "
                "take the file from a backup."
            )


@dataclass(frozen=True)
class _Run:
    """The trainings that a run's config.json allows; None means not recorded.

    Args:
        is_union: whether the config is that of all calls. Older versions recorded only the last
            call: other rows are then allowed if the trainings that they need have rows.
        statuses: status of the trainings that have a row.
        sizes: by source and task, the `total` and `prunable` that all rows must have.
    """

    metric: str | None
    task: str | None
    seeds: Collection[int] | None
    arms: Collection[str] | None
    rounds: int | None
    arm_rounds: Mapping[str, Sequence[int]]
    draws: int | None
    sources: Collection[str]
    source_arms: Collection[str]
    is_union: bool
    statuses: Mapping[Training, str]
    sizes: Mapping[tuple[str, str], tuple[int, int]]

    @classmethod
    def of(cls, record: Mapping[str, Any], rows: Sequence[ResultRow]) -> "_Run":
        config = record["config"]
        prune, transfer = config.get("prune") or {}, config.get("transfer") or {}
        names = config.get("arms")
        allowed = (
            None if names is None else {DENSE, *names, *(n for a in names for n in _needed(a))}
        )
        return cls(
            metric=record.get("metric"),
            task=config.get("task"),
            seeds=config.get("seeds"),
            arms=allowed,
            rounds=prune.get("rounds"),
            arm_rounds=prune.get("arm_rounds") or {},
            draws=config.get("draws"),
            sources=transfer.get("sources") or (),
            source_arms={WINNING, *(transfer.get("arms") or ())},
            is_union=RESULTS_VERSION_KEY in record,
            statuses={row.training: row.status for row in rows},
            sizes={(r.source, r.task): (r.total, r.prunable) for r in reversed(rows)},
        )

    def problems(self, row: ResultRow) -> Iterator[tuple[str, str]]:
        """Yields (column, expected value) for each problem of a row."""
        for column in ("task", "arm", *(["source"] if row.source else [])):
            if not is_path_name(getattr(row, column)):
                yield column, f"the name of {column}s without '/', '\\', ':' or control characters"
        if self.metric is not None and row.metric != self.metric:
            yield "metric", f"the run's metric {self.metric}"
        for column, size in zip(
            ("total", "prunable"), self.sizes[row.source, row.task], strict=True
        ):
            if getattr(row, column) != size:
                yield column, f"{size} weights, as in the first row"
        yield from self._status(row)
        draws = self._draws(row.arm)
        if draws is not None and row.draw >= draws:
            yield "draw", f"a draw from 0 to {draws - 1} of {row.arm}"
        if (row.round == 0) != (row.arm == DENSE):
            yield "round", f"round 0 for {DENSE} and rounds from 1 on for every other arm"
        elif self.is_union or not self._could_be_older(row):
            yield from self._beyond(row)

    def _status(self, row: ResultRow) -> Iterator[tuple[str, str]]:
        """Yields a problem if a row's status doesn't follow from those of its parents."""
        parents = arms[row.arm].parents(row.training) if row.arm in arms else ()
        lost = any(self.statuses.get(parent, FINISHED) != FINISHED for parent in parents)
        if lost and row.status != SKIPPED:
            yield "status", f"{SKIPPED}, since a training that it descends from diverged"
        elif row.status == SKIPPED and not lost and not row.source:
            yield "status", f"{FINISHED} or {DIVERGED}, since no training before it diverged"

    def _draws(self, arm: str) -> int | None:
        return 1 if arm in arms and not arms[arm].stochastic else self.draws

    def _could_be_older(self, row: ResultRow) -> bool:
        """Returns True if the row's arm is known and its parents are trained."""
        known = row.arm in arms and (not row.source or row.arm != DENSE)
        return known and all(p in self.statuses for p in arms[row.arm].parents(row.training))

    def _beyond(self, row: ResultRow) -> Iterator[tuple[str, str]]:
        if self.is_union and row.task != self.task:
            yield "task", f"the run's task {self.task}"
        if self.seeds is not None and row.seed not in self.seeds:
            yield "seed", f"one of the run's seeds {', '.join(map(str, self.seeds))}"
        if row.source and row.source not in self.sources:
            yield "source", f"one of the run's sources {', '.join(self.sources) or '(none)'}"
        names = self.source_arms if row.source else self.arms
        if names is not None and row.arm not in names:
            yield "arm", f"one of the run's arms {', '.join(sorted(names))}"
        if self.rounds is not None and row.arm != DENSE and row.round not in self._rounds(row):
            yield "round", f"a round in which the run trains {row.arm}, up to {self.rounds}"

    def _rounds(self, row: ResultRow) -> Collection[int]:
        rounds = self.rounds or 0
        if row.source or row.arm not in arms:
            return range(1, rounds + 1)
        return rounds_of(row.arm, rounds, self.arm_rounds.get(row.arm, ()))


def _needed(arm: str) -> list[str]:
    return needed(arm) if arm in arms else []
