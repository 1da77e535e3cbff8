"""The page of the study `instability`: instability by point, and errors between the copies."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from keras_lottery.config.claims import Claim
from keras_lottery.errors import LotteryError
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.report.content import Content, add_settings, nothing_finished
from keras_lottery.report.document import Bullets, Details, Heading, Table, Text
from keras_lottery.report.formatting import number, percent
from keras_lottery.report.results import read_config
from keras_lottery.report.statistics import t_interval
from keras_lottery.report.study_page import StudyPage
from keras_lottery.report.verdicts import Measurement
from keras_lottery.studies.instability.lines import Line, barrier, lines
from keras_lottery.studies.instability.plots import draw_instability, draw_path
from keras_lottery.studies.instability.rows import FILE, PathRow, read

STABLE = 0.02
"""Frankle et al. 2020: copies are stable if their instability is below this."""


def content(run: Path) -> Content:
    """Returns the page.

    Raises:
        LotteryError: no pair of copies is measured yet.
    """
    paths = RunPaths(run)
    record = read_config(paths)
    config = record.pop("config")
    title = f"{config['name']}: instability to the order of the data"
    recorded = read(paths) if (run / FILE).exists() else []
    rows = [row for row in recorded if not np.isnan(row.test_error)]
    lost = _diverged([row for row in recorded if np.isnan(row.test_error)])
    if lost and not rows:
        return nothing_finished(title, lost, config, record)
    if not rows:
        raise LotteryError(
            f"Expected at least one measured pair in {run / FILE}. Received: none. "
            "Continue with `keras-lottery run` and the same config."
        )
    measured = lines(rows)
    page = Content(title, [*_headline(measured), *lost])
    page.add(Heading(page.title, 1), Bullets(page.headline, strong=True))
    page.show(draw_instability(measured, STABLE), "")
    page.add(_table(measured))
    page.add(Heading("Errors between the copies"))
    page.show(draw_path(measured), "")
    page.add(Details("Every pair", [_pairs(rows)]))
    page.add(Text(
        "Batch-norm statistics are re-estimated from training data for every network on a line, "
        "including the copies. The instability of a pair is the largest error on its line minus "
        "the mean error of its ends; pairs are averaged within a seed."
    ))  # fmt: skip
    add_settings(page, config, record)
    return page


def _diverged(rows: Sequence[PathRow]) -> list[str]:
    """Returns the pairs without a line, because a copy or its parent diverged."""
    names = [f"seed {r.seed} `{r.subject}` from {r.point} pair {r.pair}" for r in rows]
    return [f"Diverged: {'; '.join(names)}. Means and intervals leave them out."] if rows else []


def _headline(measured: Sequence[Line]) -> list[str]:
    """Returns a sentence per subject: instability at its first point, and where it gets stable."""
    sentences = []
    for subject in dict.fromkeys(line.subject for line in measured):
        points = [line for line in measured if line.subject == subject]
        means = [np.mean(list(line.barriers["test"].values())) for line in points]
        first = next((i for i in range(len(points)) if max(means[i:]) < STABLE), None)
        text = f"`{subject}` at step {points[0].step:,}: instability {_cell(points[0], 'test')}"
        if first is None:
            last = (
                f" (at step {points[-1].step:,}: {_cell(points[-1], 'test')})"
                if len(points) > 1
                else ""
            )
            sentences.append(f"{text}; it is not stable from any of the points{last}.")
        elif first == 0:
            sentences.append(f"{text}; it is stable from every point.")
        else:
            stable = f"{_cell(points[first], 'test')}"
            sentences.append(f"{text}; stable from step {points[first].step:,} on ({stable}).")
    return sentences


def _cell(line: Line, split: str) -> str:
    """Returns mean, 95 % t interval and number of seeds of an instability, in points."""
    values = np.array(list(line.barriers[split].values()))
    low, high = t_interval(values)
    interval = "" if np.isnan(low) else f", 95 % t [{_points(low)}, {_points(high)}]"
    return f"{_points(float(values.mean()))} points{interval}, n = {len(values)}"


def _points(value: float) -> str:
    return number(value * 100, 2)


def _table(measured: Sequence[Line]) -> Table:
    rows = []
    for line in measured:
        ends = [np.mean([e[0], e[-1]]) for e in line.errors["test"].values()]
        stable = np.mean(list(line.barriers["test"].values())) < STABLE
        rows.append([
            line.subject, f"{line.step:,}", percent(line.remaining), _points(float(np.mean(ends))),
            _cell(line, "test"), _cell(line, "train"), "yes" if stable else "no",
        ])  # fmt: skip
    header = ["network", "step", "weights remaining", "error of the copies [%]",
              "instability, test", "instability, training data",
              f"stable (test < {STABLE:.0%})"]  # fmt: skip
    return Table("", header, rows, "The seed is the unit of every interval.")


def _pairs(rows: Sequence[PathRow]) -> Table:
    table = pd.DataFrame(rows).sort_values("alpha")
    shown = []
    for key, points in table.groupby(["subject", "step", "seed", "pair"]):
        values = [barrier(points[f"{split}_error"].to_numpy()) for split in ("test", "train")]
        shown.append([*map(str, key), *map(_points, values)])
    header = ["network", "step", "seed", "pair", "test [points]", "training data [points]"]
    return Table("", header, shown)


def measurements(run: Path, claim: Claim) -> list[Measurement]:
    """Reads the instability in test error of every subject, as the arm `SUBJECT at STEP`."""
    recorded = read(RunPaths(run)) if (run / FILE).exists() else []
    rows = [row for row in recorded if not np.isnan(row.test_error)]
    return [
        Measurement(f"{line.subject} at {line.step}", 1, line.remaining, seed, barrier)
        for line in lines(rows)
        for seed, barrier in line.barriers["test"].items()
    ]


PAGE = StudyPage(content, measurements, higher_is_better=False)
