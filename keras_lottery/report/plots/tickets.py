"""Value against the fraction of weights remaining, and the paired differences below it."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from keras_lottery.report.formatting import Unit, unit_of
from keras_lottery.report.plots.axes import (
    contrast_axis,
    distinct_levels,
    dodge,
    longest,
    remaining_axis,
    window,
)
from keras_lottery.report.plots.style import (
    DENSE_COLOR,
    INTERVALS,
    MANY,
    SEEDS_CAPTION,
    Drawing,
    half_widths,
    legend,
    lines,
    mean_bars,
    new_figure,
    tidy,
)
from keras_lottery.report.results import DENSE, Results
from keras_lottery.report.statistics import Level, dense_level, levels, paired, seed_range

_SAME = 0.02


def draw_tickets(results: Results, file: str = "tickets.png") -> Drawing:
    """Draws mean and spread of every arm, the dense network as a band, and the differences."""
    unit = unit_of(results.rows)
    by_arm = {arm: levels(results.rows, arm) for arm in results.arms}
    compared = [arm for arm in results.controls if arm != DENSE] if results.main else []
    many = len(results.arms) >= MANY
    figure = new_figure(9.2 if many else 7.2, 6.4 if compared else 4.4)
    if compared:
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1.15))
    else:
        top, bottom = figure.subplots(), None
    every = distinct_levels(by_arm, results.main)
    cut = _values(top, results, by_arm, unit)
    marks = remaining_axis(bottom or top, every)
    _flops_axis(top, results, marks)
    top.set_ylabel(unit.axis, fontsize=9.5)
    legend(top, results.arms)
    below = ""
    if bottom is not None:
        linear, wide = _differences(bottom, results, compared, unit, longest(by_arm))
        beyond = f"; logarithmic beyond ±{linear:g}" if linear else ""
        below = (
            f" Below: the difference `{results.main}` − control paired by seed, with {INTERVALS}"
            f"{beyond}{'; wider intervals are cut off' if wide else ''}."
        )
    caption = _caption(results, cut) + below
    names = ", ".join(by_arm) or "dense"
    alt = f"{unit.spoken} of {names} against the fraction of weights remaining."
    return Drawing(file, figure, caption, alt)


def _values(axes: Axes, results: Results, by_arm: dict[str, list[Level]], unit: Unit) -> bool:
    """Draws the upper panel; returns whether values are outside it."""
    tidy(axes)
    centers: list[list[float]] = []
    ends: list[float] = []
    dense = dense_level(results.rows)
    if dense:
        centers.append([dense.mean * unit.factor])
        ends += _dense_band(axes, dense, unit)
    looks, apart = lines(results.arms), longest(by_arm)
    # The main arm is drawn last, above the others.
    for index, (arm, of_arm) in reversed(list(enumerate(by_arm.items()))):
        means = np.array([level.mean for level in of_arm]) * unit.factor
        spread = np.nan_to_num([level.sd for level in of_arm]) * unit.factor
        seeds = [unit.factor * np.array(level.seeds) for level in of_arm]
        places = dodge([level.remaining for level in of_arm], index, len(by_arm), apart)
        rank = 3 if arm == results.main else 2.5
        mean_bars(axes, places, means, spread, looks[arm], seeds, label=arm, zorder=rank)
        centers.append([*means])
        ends += [*(means - spread), *(means + spread)]
    main = [level.mean * unit.factor for level in by_arm.get(results.main or "", ())]
    low, high, cut = window(centers, ends, results.higher_is_better, main)
    axes.set_ylim(low, high)
    return cut


def _dense_band(axes: Axes, dense: Level, unit: Unit) -> list[float]:
    mean, sd = dense.mean * unit.factor, float(np.nan_to_num(dense.sd)) * unit.factor
    axes.axhline(mean, color=DENSE_COLOR, linewidth=1.2, label="dense", zorder=1.5)
    if sd:
        axes.axhspan(mean - sd, mean + sd, color=DENSE_COLOR, alpha=0.18, linewidth=0, zorder=1)
    return [mean - sd, mean + sd]


def _differences(
    axes: Axes, results: Results, compared: Sequence[str], unit: Unit, apart: Sequence[float]
) -> tuple[float | None, bool]:
    """Draws the lower panel; returns where its axis becomes logarithmic, and if bars are cut."""
    tidy(axes)
    axes.axhline(0, color="black", linewidth=0.8, zorder=1.5)
    looks, centers, ends, single = lines(results.arms), list[float](), list[float](), list[float]()
    for index, control in enumerate(compared):
        for_control = levels(results.rows, control)
        pairs = [
            (lv, paired(results.rows, str(results.main), control, {lv.round})) for lv in for_control
        ]
        points = [(lv.remaining, pair) for lv, pair in pairs if pair]
        if not points:
            continue
        means = np.array([pair.mean for _, pair in points]) * unit.factor
        half = half_widths([pair for _, pair in points], unit.factor)
        seeds = [unit.factor * np.array(list(pair.seeds.values())) for _, pair in points]
        places = dodge([left for left, _ in points], index, len(compared), apart)
        mean_bars(axes, places, means, half, looks[control], seeds, label=f"− {control}")
        centers += [*means]
        ends += [*(means - half), *(means + half)]
        single += [value for of_level in seeds for value in of_level]
    shown = contrast_axis(axes, centers, ends, single)
    better = "above 0: better" if results.higher_is_better else "below 0: better"
    noun = unit.noun
    axes.set_ylabel(f"{results.main} − control\n[{noun}], {better}", fontsize=9.5)
    return shown


def _flops_axis(axes: Axes, results: Results, marks: Sequence[float]) -> None:
    """Adds an upper axis with the FLOPs of the main arm's forward pass."""
    dense = dense_level(results.rows)
    by_level = levels(results.rows, results.main) if results.main else []
    if not by_level or dense is None or not dense.flops:
        return
    known = sorted((lv.remaining, lv.flops) for lv in (dense, *by_level) if lv.kept and lv.flops)
    left, flops = np.array(known).T
    shares = np.exp(np.interp(np.log(marks), np.log(left), np.log(flops))) / dense.flops
    if np.allclose(shares, marks, rtol=_SAME):
        return  # as in dense layers; it would repeat the axis below
    upper = axes.secondary_xaxis("top")
    upper.set_xticks(list(marks), [f"{share * 100:.3g}" for share in shares])
    upper.minorticks_off()
    upper.tick_params(labelsize=8.5)
    upper.set_xlabel(f"FLOPs of the forward pass, {results.main} [% of dense]", fontsize=9.5)


def _caption(results: Results, cut: bool) -> str:
    better = "higher" if results.higher_is_better else "lower"
    spread = (
        "Lines are means over seeds, bars ± 1 standard deviation between seeds, the band dense ± 1 "
        f"standard deviation; repetitions of a control are averaged within a seed; "
        f"n = {seed_range(results.rows)}.{SEEDS_CAPTION}"
    )
    one = "n = 1 seed, so there is no standard deviation or interval."
    text = (
        f"{unit_of(results.rows).spoken} ({better} is better) against the fraction of prunable "
        f"weights remaining. {one if len(results.seeds) == 1 else spread}"
    )
    if len(results.arms) > 1:
        text += " Arms are offset horizontally."
    if cut:
        text += " The y axis is truncated; the table has all values."
    return text
