"""Learning curves: the metric during training, one panel per level, one line per arm."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from keras_lottery.records import ResultRow, read_history, series
from keras_lottery.report.formatting import percent, unit_of
from keras_lottery.report.kept_rows import CURVES, CurveRow, read_kept, short
from keras_lottery.report.plots.style import (
    DENSE_COLOR,
    Drawing,
    legend,
    lines,
    new_figure,
    tidy,
)
from keras_lottery.report.results import DENSE, Results
from keras_lottery.report.statistics import remaining_by_round, seed_range

FILE = "curves.png"
PANELS = 3
_POINTS = 200

Curve = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
"""Steps, mean over seeds and draws, and standard deviation."""


def draw_curves(results: Results) -> Drawing | None:
    """Draws the metric against training steps at the first, a middle and the last level.

    Returns:
        None if the run's histories lack the metric, or there are none, and no table is kept.
    """
    by_round = curves(results)
    if not by_round:
        return None
    unit, remaining = unit_of(results.rows), remaining_by_round(results.rows)
    figure = new_figure(3.4 * len(by_round) + 0.8, 3.4)
    panels = figure.subplots(1, len(by_round), sharey=True, squeeze=False)[0]
    looks = lines(results.arms)
    for axes, (number, by_arm) in zip(panels, by_round.items(), strict=True):
        tidy(axes)
        axes.set_title(f"{percent(remaining[number])} remaining", fontsize=9.5)
        for arm, (steps, mean, sd) in _dense_first(by_arm).items():
            color = DENSE_COLOR if arm == DENSE else looks[arm].color
            style = "-" if arm == DENSE else looks[arm].dashes
            axes.plot(steps, mean * unit.factor, style, color=color, linewidth=1.3, label=arm)
            ends = ((mean - sd) * unit.factor, (mean + sd) * unit.factor)
            axes.fill_between(steps, *ends, color=color, alpha=0.1, linewidth=0)
        axes.set_xlabel("training step", fontsize=9.5)
        axes.locator_params(axis="x", nbins=5)
    panels[0].set_ylabel(unit.axis, fontsize=9.5)
    legend(panels[-1], [DENSE, *results.arms], outside=True)
    return Drawing(FILE, figure, *texts(results))


def texts(results: Results) -> tuple[str, str]:
    """Returns the caption and the alternative text."""
    many = len({(row.seed, row.draw) for row in results.rows}) > 1
    spoken = unit_of(results.rows).spoken
    mean = "mean over seeds and draws, shaded ± 1 standard deviation; " if many else ""
    return (
        f"Learning curves: {spoken} during training, {mean}n = "
        f"{seed_range(results.rows)}. Arms with late rewinding start at the rewind point.",
        f"{spoken} against training steps for {', '.join([DENSE, *results.arms])}.",
    )


def curves(results: Results) -> dict[int, dict[str, Curve]]:
    """Returns the curves of each arm, by round: from the histories, or else the kept table."""
    rounds = _chosen(list(remaining_by_round(results.rows)))
    by_round = {number: _curves(results, number) for number in rounds}
    by_round = {number: by_arm for number, by_arm in by_round.items() if by_arm}
    return by_round or _kept_curves(results)


def curve_rows(results: Results) -> list[CurveRow]:
    """Returns the curves as rows of the kept table."""
    return [
        CurveRow(results.task, number, arm, *map(short, point))
        for number, by_arm in curves(results).items()
        for arm, curve in by_arm.items()
        for point in zip(*curve, strict=True)
    ]


def _kept_curves(results: Results) -> dict[int, dict[str, Curve]]:
    points: dict[int, dict[str, list[CurveRow]]] = {}
    for row in read_kept(results.paths.root, CURVES, CurveRow, results.task):
        points.setdefault(row.panel, {}).setdefault(row.arm, []).append(row)
    return {
        number: {
            arm: (np.array([r.step for r in rows]), np.array([r.mean for r in rows]),
                  np.array([r.sd for r in rows]))
            for arm, rows in by_arm.items()
        }
        for number, by_arm in points.items()
    }  # fmt: skip


def _chosen(rounds: Sequence[int]) -> list[int]:
    """Returns the first, the middle and the last of the rounds."""
    if not rounds:
        return []
    places = np.linspace(0, len(rounds) - 1, PANELS).round().astype(int).tolist()
    return [rounds[place] for place in dict.fromkeys(places)]


def _curves(results: Results, number: int) -> dict[str, Curve]:
    points_by_arm: dict[str, list[list[tuple[float, float]]]] = {}
    for row in results.rows:
        if row.round == number or row.arm == DENSE:
            points = _points(results, row)
            if points:
                points_by_arm.setdefault(series(row), []).append(points)
    if set(points_by_arm) <= {DENSE}:
        return {}
    return {arm: _mean(of_arm) for arm, of_arm in points_by_arm.items()}


def _points(results: Results, row: ResultRow) -> list[tuple[float, float]]:
    """Returns (step, metric) of a training; empty if its history lacks the metric."""
    rows = read_history(results.paths.history(row.training), row)
    return [
        (entry["step"], entry[results.metric])
        for entry in rows
        if "step" in entry and row.metric in entry
    ]


def _mean(trainings: Sequence[Sequence[tuple[float, float]]]) -> Curve:
    """Returns the mean curve over the steps that all trainings cover."""
    begin = max(curve[0][0] for curve in trainings)
    end = max(begin, min(curve[-1][0] for curve in trainings))
    steps = np.linspace(begin, end, _POINTS)
    points = [np.asarray(curve, float) for curve in trainings]
    values = np.array([np.interp(steps, curve[:, 0], curve[:, 1]) for curve in points])
    return steps, values.mean(axis=0), values.std(axis=0, ddof=1 if len(values) > 1 else 0)


def _dense_first(by_arm: Mapping[str, Curve]) -> dict[str, Curve]:
    return dict(sorted(by_arm.items(), key=lambda item: item[0] != DENSE))
