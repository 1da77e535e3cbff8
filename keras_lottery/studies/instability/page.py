"""The page of the study `instability`: instability against the point, and the errors between."""

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
from keras_lottery.report.pages import StudyPage
from keras_lottery.report.results import read_config
from keras_lottery.report.statistics import t_interval
from keras_lottery.report.verdicts import Measurement
from keras_lottery.studies.instability.lines import Line, barrier, lines
from keras_lottery.studies.instability.plots import draw_instability, draw_path
from keras_lottery.studies.instability.rows import FILE, PathRow, read

STABLE = 0.02
"""Frankle et al. 2020: copies are stable where their instability is below this."""


def content(run: Path) -> Content:
    """Returns the page.

    Raises:
        LotteryError: no pair of copies is measured yet.
    """
    paths = RunPaths(run)
    record = read_config(paths)
    config = record.pop("config")
    title = f"{config['name']}: instability to the order of the data"
    measured = read(paths) if (run / FILE).exists() else []
    rows = [row for row in measured if not np.isnan(row.test_error)]
    lost = _diverged([row for row in measured if np.isnan(row.test_error)])
    if lost and not rows:
        return nothing_finished(title, lost, config, record)
    if not rows:
        raise LotteryError(
            f"Expected at least one measured pair in {run / FILE}. Received: none. "
            "Go on with `keras-lottery run` and the same config."
        )
    found = lines(rows)
    page = Content(title, [*_headline(found), *lost])
    page.add(Heading(page.title, 1), Bullets(page.headline, strong=True))
    page.show(draw_instability(found, STABLE), "")
    page.add(_table(found))
    page.add(Heading("Between the copies"))
    page.show(draw_path(found), "")
    page.add(Details("Every pair", [_pairs(rows)]))
    page.add(Text(
        "Batch-norm statistics are made anew from training data for every network on a line, the "
        "copies themselves too. The instability of a pair is the largest error on its line less "
        "the mean error of its ends; pairs are averaged within a seed."
    ))  # fmt: skip
    add_settings(page, config, record)
    return page


def _diverged(rows: Sequence[PathRow]) -> list[str]:
    """Returns which pairs have no line, since a copy or the network before it diverged."""
    names = [f"seed {r.seed} `{r.subject}` from {r.point} pair {r.pair}" for r in rows]
    return [f"Diverged: {'; '.join(names)}. Means and intervals leave them out."] if rows else []


def _headline(found: Sequence[Line]) -> list[str]:
    """One sentence a subject: instability at its first point, and from where on it is stable."""
    sentences = []
    for subject in dict.fromkeys(line.subject for line in found):
        own = [line for line in found if line.subject == subject]
        means = [np.mean(list(line.barriers["test"].values())) for line in own]
        first = next((i for i in range(len(own)) if max(means[i:]) < STABLE), None)
        text = f"`{subject}` at step {own[0].step:,}: instability {_cell(own[0], 'test')}"
        if first is None:
            last = f" (at step {own[-1].step:,}: {_cell(own[-1], 'test')})" if len(own) > 1 else ""
            sentences.append(f"{text}; it is not stable from any of the points{last}.")
        elif first == 0:
            sentences.append(f"{text}; it is stable from every point.")
        else:
            stable = f"{_cell(own[first], 'test')}"
            sentences.append(f"{text}; stable from step {own[first].step:,} on ({stable}).")
    return sentences


def _cell(line: Line, split: str) -> str:
    """Returns mean, 95 % t interval and number of seeds of an instability, in points."""
    values = np.array(list(line.barriers[split].values()))
    low, high = t_interval(values)
    interval = "" if np.isnan(low) else f", 95 % t [{_points(low)}, {_points(high)}]"
    return f"{_points(float(values.mean()))} points{interval}, n = {len(values)}"


def _points(value: float) -> str:
    return number(value * 100, 2)


def _table(found: Sequence[Line]) -> Table:
    rows = []
    for line in found:
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
    found = read(RunPaths(run)) if (run / FILE).exists() else []
    rows = [row for row in found if not np.isnan(row.test_error)]
    return [
        Measurement(f"{line.subject} at {line.step}", 1, line.remaining, seed, barrier)
        for line in lines(rows)
        for seed, barrier in line.barriers["test"].items()
    ]


PAGE = StudyPage(content, measurements, higher_is_better=False)
