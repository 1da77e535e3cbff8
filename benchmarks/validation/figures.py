"""The figures of docs/results/validation/."""

from collections.abc import Sequence

import numpy as np

from benchmarks.validation.losses import TOLERANCE
from benchmarks.validation.tables import Tables
from keras_lottery.report.masks import short_names
from keras_lottery.report.plots.axes import remaining_axis
from keras_lottery.report.plots.style import DENSE_COLOR, Drawing, legend, lines, new_figure, tidy
from keras_lottery.report.statistics import Paired

COLORS = {"jax": "#0072B2", "tensorflow": "#E69F00", "torch": "#D55E00"}
MARKERS = {"jax": "o", "tensorflow": "s", "torch": "x"}
TITLES = {"adam": "Adam", "sgd": "SGD with momentum"}


def draw_losses(tables: Tables, backends: Sequence[str]) -> Drawing:
    """Draws the losses of each step, and below them their difference from the plain loop."""
    figure = new_figure(7.2, 5.4)
    grid = figure.subplots(2, 2, sharex=True, sharey="row", height_ratios=(1.2, 1))
    for column, (optimizer, title) in enumerate(TITLES.items()):
        above, below = grid[0][column], grid[1][column]
        for masks, dashes in (("dense", "-"), ("sparse", "--")):
            rows = [row for row in tables.losses if row["every"] == 1]
            rows = [r for r in rows if r["optimizer"] == optimizer and r["masks"] == masks]
            steps = np.array([row["step"] for row in rows])
            plain = np.array([row["plain"] for row in rows])
            pruned = "dense" if masks == "dense" else "90 % pruned"
            above.plot(steps, plain, color=DENSE_COLOR, linestyle=dashes, linewidth=1.2,
                       label=f"plain torch, {pruned}")  # fmt: skip
            for i, name in enumerate(backends):
                ours = np.array([row[name] for row in rows])
                some = slice(4 + 7 * i, None, 21)
                above.plot(steps[some], ours[some], MARKERS[name], color=COLORS[name],
                           markersize=3.5, label=name if masks == "dense" else None)  # fmt: skip
                largest = np.maximum.accumulate(np.abs(ours - plain))
                below.plot(steps, np.maximum(largest, 1e-8), linestyle=dashes,
                           color=COLORS[name], linewidth=1.2)  # fmt: skip
        below.axhline(TOLERANCE, color="black", linewidth=1.0, linestyle=":")
        below.set_yscale("log")
        above.set_title(title, fontsize=10)
        below.set_xlabel("step", fontsize=9.5)
        tidy(above)
        tidy(below)
    grid[0][0].set_ylabel("training loss of the step", fontsize=9.5)
    grid[1][0].set_ylabel("largest distance so far", fontsize=9.5)
    figure.legend(*grid[0][1].get_legend_handles_labels(), loc="outside lower center", ncols=5,
                  fontsize=8, frameon=False)  # fmt: skip
    return Drawing(
        "losses.png",
        figure,
        f"LeNet-300-100 on the digits: the loss of each step in a plain torch loop (lines) and "
        f"in this package on each backend (marks, at some of the steps), and the largest "
        f"difference so far (below; solid: dense, dashed: 90 % pruned; dotted: {TOLERANCE:g}).",
        "Losses of this package and of a plain torch loop over 200 steps, and their difference.",
    )


def draw_overlap(tables: Tables) -> Drawing:
    """Draws the overlap of two seeds' masks and of random ones, in all and by variable."""
    names = list(dict.fromkeys(row.variable for row in tables.shared))
    short = dict(zip(names[1:], short_names(tuple(names[1:]))))
    figure = new_figure(7.2, 5.6)
    for axes, name in zip(figure.subplots(2, 2).flat, names, strict=True):
        rows = [row for row in tables.shared if row.variable == name]
        left = [row.remaining for row in rows]
        share = np.array([row.share for row in rows])
        spread = [share - [row.low for row in rows], [row.high for row in rows] - share]
        look = lines(["winning"])["winning"].options() | {"linestyle": "none"}
        axes.errorbar(left, 100 * share, yerr=100 * np.array(spread), elinewidth=1.0, capsize=2,
                      label="two seeds", **look)  # fmt: skip
        axes.plot(left, [100 * row.chance for row in rows], "--", color="black", linewidth=1.3,
                  label="chance, density of each variable")  # fmt: skip
        if any(abs(row.chance_inputs - row.chance) > 1e-9 for row in rows):
            axes.plot(left, [100 * row.chance_inputs for row in rows], ":", color="#D55E00",
                      linewidth=1.6, label="chance, density of each pixel too")  # fmt: skip
        axes.set_title("all" if name == "all" else short[name], fontsize=10)
        axes.set_yscale("log")
        ticks = [t for t in (1, 2, 5, 10, 20, 50, 100) if t >= 50 * min(row.low for row in rows)]
        axes.set_yticks(ticks, [str(tick) for tick in ticks])
        axes.minorticks_off()
        remaining_axis(axes, left[::2] if len(left) > 4 else left, label=name in names[2:])
        axes.set_xlim(1.0, min(left) / 1.15)
        tidy(axes)
    figure.axes[0].set_ylabel("kept by both [% of kept]", fontsize=9.5)
    figure.axes[2].set_ylabel("kept by both [% of kept]", fontsize=9.5)
    legend(figure.axes[0])
    return Drawing(
        "overlap.png",
        figure,
        f"Share of the kept weights that the winning masks of two seeds have in common, over "
        f"{tables.shared[0].pairs} pairs of seeds (mean; bars from the smallest to the largest "
        "pair), in all and by variable, and the share expected of random masks with the same "
        "densities; both axes logarithmic.",
        "Overlap of winning masks between seeds and by chance, against weights remaining.",
    )


def draw_differences(differences: Sequence[Paired], where: str) -> Drawing:
    """Draws each paired difference: its seeds, their mean and its 95 % interval."""
    figure = new_figure(7.2, 0.9 + 0.42 * len(differences))
    axes = figure.subplots()
    tidy(axes)
    axes.axvline(0, color="black", linewidth=1.0)
    for place, one in enumerate(reversed(differences)):
        values = 100 * np.array(list(one.seeds.values()))
        axes.plot(values, np.full(len(values), place - 0.22), "o", color=DENSE_COLOR,
                  markersize=3.5, alpha=0.7)  # fmt: skip
        bars = [[100 * (one.mean - one.low)], [100 * (one.high - one.mean)]]
        color = "#0072B2" if one.excludes_zero else DENSE_COLOR
        axes.errorbar([100 * one.mean], [place], xerr=bars, fmt="D", color=color, capsize=3,
                      markersize=5)  # fmt: skip
    names = [f"{one.arm} − {one.control}" for one in reversed(differences)]
    axes.set_yticks(range(len(names)), names, fontsize=8.5)
    axes.set_ylim(-0.6, len(names) - 0.5)
    axes.set_xlabel("paired difference in accuracy [points]", fontsize=9.5)
    return Drawing(
        "differences.png",
        figure,
        f"Paired differences {where}: the seeds (dots), their mean (diamond) and its 95 % t "
        "interval (gray where it contains 0).",
        "Paired differences between masks of other seeds, shuffled masks and winning tickets.",
    )
