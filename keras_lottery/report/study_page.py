"""A study's part of the report: its page, and the measurements for its claims."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from keras_lottery.config import study_schemas
from keras_lottery.config.claims import Claim
from keras_lottery.errors import LotteryError
from keras_lottery.records import ResultRow, read_results, series
from keras_lottery.report.content import Content, content
from keras_lottery.report.results import TICKETS, results_by_task
from keras_lottery.report.verdicts import Measurement


def result_measurements(run: Path, claim: Claim) -> list[Measurement]:
    """Reads the finished trainings of results.csv or, for a claim on a target, of its table."""
    file = run / (f"{claim.target}.csv" if claim.target else "results.csv")
    rows = read_results(file) if file.exists() else []
    return [measurement(row, claim.field) for row in rows if row.finished]


def measurement(row: ResultRow, field: str) -> Measurement:
    """Returns the measurement of a row of results.csv, for a claim about the column `field`."""
    value = float(getattr(row, field))
    return Measurement(series(row), row.round, row.remaining, row.seed, value)


@dataclass(frozen=True)
class StudyPage:
    """The page of a study, made only from the tables and the config.json of its run folder.

    Args:
        content: takes the run folder and returns the page.
        measurements: takes the run folder and a claim and returns the values to compare.
        higher_is_better: direction of the compared value; None: that of config.json.
    """

    content: Callable[[Path], Content]
    measurements: Callable[[Path, Claim], list[Measurement]] = result_measurements
    higher_is_better: bool | None = None


def study_page(study: str) -> StudyPage:
    """Returns the page of the study with this name.

    Raises:
        LotteryError: there is no such study, or it has no page.
    """
    if study == TICKETS:
        return _TICKETS
    module, _, attribute = study_schemas[study].page.partition(":")
    page = getattr(import_module(module), attribute) if module else None
    if not isinstance(page, StudyPage):
        raise LotteryError(
            f"Expected the study {study!r} to name its page. Received: "
            f"{study_schemas[study].page!r}. Register StudySchema(…, page='module:PAGE')."
        )
    return page


_TICKETS = StudyPage(lambda run: content(results_by_task(run)))
