"""Density per variable over the rounds: lines for a few variables, a heat map for many."""

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import LogNorm
from matplotlib.ticker import LogLocator, NullLocator

from keras_lottery.report.masks import Densities, grouped, short_names
from keras_lottery.report.plots.axes import remaining_axis
from keras_lottery.report.plots.style import DENSE_COLOR, Drawing, legend, new_figure, tidy

_MOST_LINES = 8
_MOST_ROWS = 24


def draw_density(densities: Densities) -> Drawing:
    """Draws the fraction of each variable that is kept, mean over seeds."""
    every = len(densities.paths)
    densities = grouped(densities, _MOST_ROWS)
    many = len(densities.paths) > _MOST_LINES
    figure = new_figure(7.2, max(3.8, 1.4 + 0.17 * len(densities.paths)) if many else 3.8)
    axes = figure.subplots()
    if many:
        image = _heat_map(axes, densities)
        bar = figure.colorbar(image, ax=axes, pad=0.02)
        bar.set_label("density [%]", fontsize=9.5)
        _plain_ticks(bar.ax.yaxis)
        bar.ax.tick_params(labelsize=8.5)
    else:
        _lines(axes, densities)
    return Drawing(
        "density.png",
        figure,
        f"Fraction of each variable that the masks of `{densities.arm}` keep, mean over "
        f"{densities.seeds} seed{'s' if densities.seeds > 1 else ''}"
        + (
            "; both scales are logarithmic. Coinciding lines are hidden."
            if not many
            else "; the colors are logarithmic."
        )
        + (f" The {every} variables are grouped by layer." if every > len(densities.paths) else ""),
        "Density per variable against the fraction of all weights remaining.",
    )


def _lines(axes: Axes, densities: Densities) -> None:
    tidy(axes)
    count = len(densities.paths)
    remaining = densities.remaining
    axes.plot([1, remaining.min()], [100, 100 * remaining.min()], color=DENSE_COLOR, linewidth=1,
              linestyle=":", label="all weights")  # fmt: skip
    for index, name in enumerate(short_names(densities.paths)):
        axes.plot(
            remaining,
            100 * densities.density[index],
            label=name,
            color=colormaps["viridis"](0.05 + 0.8 * index / max(count - 1, 1)),
            marker="os^vDPX*"[index],
            markersize=4.5,
            markeredgecolor="white",
            markeredgewidth=0.5,
            linewidth=1.5,
        )
    remaining_axis(axes, list(remaining))
    axes.set_yscale("log")
    _plain_ticks(axes.yaxis)
    axes.set_ylabel("density [%]", fontsize=9.5)
    legend(axes)


def _plain_ticks(axis: Axis) -> None:
    """Labels a logarithmic axis at 1, 2 and 5, without powers."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.set_minor_locator(NullLocator())


def _heat_map(axes: Axes, densities: Densities):  # type: ignore[no-untyped-def]
    shown = 100 * densities.density
    floor = max(float(np.nanmin(shown[shown > 0], initial=100.0)), 1e-3)
    image = axes.imshow(
        np.maximum(shown, floor), aspect="auto", cmap="cividis", norm=LogNorm(floor, 100)
    )
    axes.set_yticks(range(len(densities.paths)), short_names(densities.paths), fontsize=7.5)
    step = max(1, len(densities.rounds) // 10)
    marks = range(0, len(densities.rounds), step)
    axes.set_xticks(list(marks), [f"{100 * densities.remaining[i]:.3g}" for i in marks])
    axes.tick_params(axis="x", labelsize=8.5)
    axes.set_xlabel("weights remaining [%]", fontsize=9.5)
    return image
