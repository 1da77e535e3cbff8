"""Shared style of all figures: colours, markers, and the axis of weights remaining."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter, NullLocator
from matplotlib.transforms import offset_copy

from keras_lottery.errors import printable
from keras_lottery.figures import InlineFigure
from keras_lottery.report.results import DENSE, WINNING
from keras_lottery.report.statistics import Level, Paired, is_bimodal

# Okabe and Ito's palette is safe for common colour blindness; markers and dashes differ, too, for
# greyscale prints.
_BLACK, _ORANGE, _SKY, _GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
_BLUE, _VERMILLION, _PURPLE = "#0072B2", "#D55E00", "#CC79A7"
DENSE_COLOUR = "#6b6b6b"


_LARGER = {"*": 1.6, "P": 1.3, "X": 1.3, "p": 1.3, "<": 1.2, ">": 1.2}
"""Markers with thin arms need more room inside their white edge."""


@dataclass(frozen=True)
class Line:
    """The line style of an arm."""

    colour: str
    marker: str
    dashes: str = "-"
    width: float = 1.3

    def options(self) -> dict[str, Any]:
        """Returns Matplotlib's keywords for the line."""
        return {
            "color": self.colour,
            "marker": self.marker,
            "linestyle": self.dashes,
            "linewidth": self.width,
            "markersize": 4.5 * _LARGER.get(self.marker, 1.0) if self.width < 2 else 5.5,
            "markeredgecolor": "white",
            "markeredgewidth": 0.5,
        }


_KNOWN = {
    WINNING: Line(_BLUE, "o", "-", 2.2),
    "reinit": Line(_VERMILLION, "s", "--"),
    "permuted_layer": Line(_GREEN, "^", "-."),
    "permuted_global": Line(_ORANGE, "v", ":"),
    "init_permuted": Line(_PURPLE, "D", "--"),
    "one_shot": Line(_SKY, "P", "-"),
    "winning_init": Line(_BLACK, "X", "-."),
    "random_mask": Line(_ORANGE, "v", "-"),
    "layers_shuffled": Line(_PURPLE, "D", "-."),
    "edge_popup": Line(_SKY, "<", "--"),
    "edge_popup_signed": Line(_VERMILLION, ">", "-"),
    "supermask": Line(_GREEN, "p", ":"),
    "supermask_signed": Line(_ORANGE, "h", ":"),
    "supermask_rescaled": Line(_PURPLE, "*", ":"),
    "supermask_rescaled_signed": Line(_BLACK, "d", ":"),
    DENSE: Line(DENSE_COLOUR, "_", "-"),
}
_OTHERS = [
    Line(
        (_PURPLE, _GREEN, _ORANGE, _SKY, _VERMILLION, _BLACK)[i % 6],
        "<>ph*Ds^vPX"[i % 11],
        ("-", "--", ":", "-.")[(i // 2) % 4],
    )
    for i in range(30)
]


def lines(arms: Sequence[str]) -> dict[str, Line]:
    """Returns the line style of each arm, the same in all figures of a report."""
    unknown = [arm for arm in arms if arm not in _KNOWN]
    taken = {_KNOWN[arm].colour for arm in arms if arm in _KNOWN}
    free = sorted(_OTHERS, key=lambda line: line.colour in taken)
    others = {arm: free[i % len(free)] for i, arm in enumerate(unknown)}
    return {arm: _KNOWN.get(arm) or others[arm] for arm in arms}


@dataclass(frozen=True)
class Drawing:
    """A figure and its texts.

    Args:
        file: name of its PNG.
        figure: the figure.
        caption: explains the figure and its spread.
        alt: alternative text, one sentence.
    """

    file: str
    figure: InlineFigure
    caption: str
    alt: str


Heights = Sequence[float] | np.ndarray

RELIABLE = 3
"""Seeds from which on an interval is drawn."""
INTERVALS = "95 % t intervals (none at two seeds, which are too few)"
FEW_SEEDS = 8
SEEDS_CAPTION = f" Small points show individual seeds (when fewer than {FEW_SEEDS}, or bimodal)."


def mean_bars(
    axes: Axes,
    places: Heights,
    means: Heights,
    bars: Heights,
    look: Line,
    seeds: Sequence[Heights] = (),
    **options: Any,
) -> None:
    """Draws means with error bars, and single seeds if there are few or they form two groups.

    Args:
        axes: the panel.
        places: horizontal positions; a single one gets no line.
        means: heights, `(places,)`.
        bars: half lengths, `(places,)`, or below and above, `(2, places)`; NaN means no bar.
        look: colour, marker and line.
        seeds: heights of the seeds at each place.
        options: Matplotlib's keywords for the means.
    """
    shown = look.options() | ({"linestyle": ""} if len(means) == 1 else {}) | options
    lengths = np.nan_to_num(np.asarray(bars, dtype=float))
    yerr = lengths if lengths.any() else None
    axes.errorbar(places, means, yerr=yerr, elinewidth=1.0, capsize=1.5, **shown)
    shifted = offset_copy(
        axes.transData, axes.get_figure(root=True), x=3, units="points"
    )  # not on the bars
    for place, values in zip(places, seeds):
        if len(values) > 1 and (len(values) < FEW_SEEDS or is_bimodal(values)):
            axes.plot(
                [place] * len(values), values, linestyle="", marker=".", markersize=4.5,
                markeredgewidth=0, color=look.colour, alpha=0.6, zorder=2.2,
                transform=shifted,
            )  # fmt: skip


def half_widths(pairs: Sequence[Paired], factor: float) -> np.ndarray:
    """Returns half of each t interval, `(pairs,)`; NaN below three seeds, which are too few."""
    return np.array([factor * (p.high - p.mean) if p.n >= RELIABLE else np.nan for p in pairs])


def new_figure(width: float = 7.2, height: float = 4.2) -> InlineFigure:
    """Returns an empty figure in inches, outside pyplot's global state."""
    return InlineFigure(figsize=(width, height), layout="constrained", dpi=160, facecolor="white")


def draw_text_as_it_is(figure: Figure) -> None:
    """Makes names with `$` plain text, not formulas, and escapes control characters.

    Matplotlib's tick labels stay as they are: those of logarithmic axes are formulas.
    """
    labels = {text for axes in figure.axes for axis in _axes_of(axes) for text in _tick_texts(axis)}
    for text in figure.findobj(Text):
        if text not in labels:
            text.set_parse_math(False)
            text.set_text(printable(text.get_text()))
    for axis in (axis for axes in figure.axes for axis in _axes_of(axes)):
        formatter = axis.get_major_formatter()
        if isinstance(formatter, FixedFormatter):
            names = [printable(name).replace("$", "\\$") for name in formatter.seq]
            axis.set_major_formatter(FixedFormatter(names))


def _axes_of(axes: Axes) -> tuple[Axis, Axis]:
    return axes.xaxis, axes.yaxis


def _tick_texts(axis: Axis) -> Iterator[Text]:
    for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
        yield from (tick.label1, tick.label2)


def tidy(axes: Axes) -> None:
    """Removes the upper and right spines and draws a faint grid."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(True, color="#e4e4e4", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=8.5)


MANY = 7
"""With at least this many lines, the legend is placed next to the panel."""


def legend(axes: Axes, first: Sequence[str] = (), outside: bool = False) -> None:
    """Adds a legend, the names of `first` first: inside the panel, or next to it."""
    handles, labels = axes.get_legend_handles_labels()
    rank = {label: index for index, label in enumerate(first)}
    order = sorted(range(len(labels)), key=lambda i: rank.get(labels[i], len(rank)))
    away = outside or len(labels) >= MANY
    next_to = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0)}
    names = axes.legend(
        [handles[i] for i in order],
        [labels[i] for i in order],
        fontsize=8,
        ncols=2 if len(labels) > 4 and not away else 1,
        **(next_to if away else {"loc": "best"}),
    )
    names.get_frame().set(edgecolor="none", alpha=0.85)


def legend_below(figure: Figure, axes: Axes) -> None:
    """Adds one legend for all panels below them, with the lines of one panel."""
    handles, labels = axes.get_legend_handles_labels()
    inches = 0.5 + 0.075 * max(map(len, labels), default=0)  # of a name and its marker
    columns = max(1, int(figure.get_figwidth() / inches))
    figure.legend(handles, labels, fontsize=8, loc="outside lower center", ncols=columns)


def beside(index: int, of: int) -> float:
    """Returns the shift of an arm on an axis of counts, where arms would hide each other."""
    return 0.12 * (index - (of - 1) / 2)


def remaining_axis(axes: Axes, remaining: Sequence[float], label: bool = True) -> list[float]:
    """Makes the horizontal axis logarithmic, from 100 % on the left to sparse on the right.

    Returns:
        The fractions that have a tick.
    """
    marks = ticks([1.0, *remaining])
    low = min([1.0, *remaining])
    axes.set_xscale("log")
    axes.set_xlim(1.08, min(low / 1.15, 0.92))
    axes.xaxis.set_major_locator(FixedLocator(marks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks(marks, [f"{mark * 100:.3g}" for mark in marks])
    if label:
        axes.set_xlabel("weights remaining [%]", fontsize=9.5)
    return marks


def ticks(remaining: Sequence[float], most: int = 9) -> list[float]:
    """Returns at most `most` of the fractions, about evenly spaced on a logarithmic axis."""
    every = sorted({fraction for fraction in remaining if fraction > 0}, reverse=True)
    # Labels closer than half an even distance would overlap.
    apart = np.log(every[0] / every[-1]) / (most if len(every) > most else 2 * most)
    chosen = every[:1]
    for fraction in every[1:]:
        if np.log(chosen[-1] / fraction) >= apart - 1e-9:
            chosen.append(fraction)
    return chosen


_SAME_LEVEL = 0.05


def distinct_levels(by_arm: Mapping[str, Sequence[Level]], main: str | None) -> list[float]:
    """Returns the fractions remaining of all arms, those of one round once.

    Arms differ a little in what a round leaves, so fractions within 5 % of another are left out;
    those of the main arm stay.
    """
    chosen: list[float] = []
    for arm in sorted(by_arm, key=lambda arm: arm != main):
        for level in by_arm[arm]:
            if all(abs(np.log(level.remaining / other)) > _SAME_LEVEL for other in chosen):
                chosen.append(level.remaining)
    return chosen


def longest(by_arm: Mapping[str, Sequence[Level]]) -> list[float]:
    """Returns the fractions remaining of the arm with the most levels."""
    return [level.remaining for level in max(by_arm.values(), key=len, default=())]


def dodge(remaining: Sequence[float], index: int, of: int, levels: Sequence[float]) -> np.ndarray:
    """Returns positions shifted slightly per arm, so that error bars don't overlap.

    Args:
        remaining: the fractions of the arm's levels.
        index: number of the arm.
        of: number of arms.
        levels: fractions whose smallest distance bounds the shifts.
    """
    apart = np.diff(np.sort(np.unique(np.round(np.log([1.0, *levels]), 2))))
    gap = float(apart.min()) if len(apart) else 0.2
    shift = (index - (of - 1) / 2) / max(of, 1) * 0.45 * min(gap, 0.3)
    return np.asarray(remaining) * np.exp(-shift)


_FEW = 0.2
_FLAT = 0.2


def window(
    values: Sequence[float],
    bars: Sequence[float] = (),
    higher_is_better: bool = True,
    shown: Sequence[float] = (),
) -> tuple[float, float, bool]:
    """Returns axis limits with which a collapsed value doesn't flatten everything else.

    The worse end is cut at eight times the distance between the best value and the median, unless
    more than a fifth of the values are beyond it, or the others fill a fifth of the whole axis.
    Bars widen the axis by at most two fifths on either side.

    Args:
        values: the means.
        bars: ends of their error bars.
        higher_is_better: direction of the values.
        shown: values that are never outside, those of the main arm.

    Returns:
        The lower and upper limit, and whether anything is outside.
    """
    sign = 1.0 if higher_is_better else -1.0
    data = sign * np.array([value for value in values if np.isfinite(value)])
    if not len(data):
        return 0.0, 1.0, False
    best, middle, worst = data.max(), float(np.median(data)), data.min()
    bottom = min([best - 8 * (best - middle), *(sign * np.array(shown))])
    few = float(np.mean(data < bottom)) <= _FEW
    flat = best - data[data >= bottom].min() < _FLAT * (best - worst)
    cut = bool(few and flat and middle < best and worst < bottom - 0.5 * (best - bottom))
    bottom = bottom if cut else worst
    span = best - bottom or 0.01 * (abs(best) or 1.0)
    ends = sign * np.array([*values, *bars], dtype=float)
    ends = ends[np.isfinite(ends)]
    top = min(ends.max(), best + 0.4 * span) + 0.06 * span
    if not cut:
        bottom = max(ends.min(), bottom - 0.4 * span) - 0.06 * span
    low, high = sorted((float(sign * top), float(sign * bottom)))
    return low, high, bool(ends.max() > top or ends.min() < bottom)


_CONTRAST = 10
"""Largest ÷ median difference from which on an axis is logarithmic."""


def contrast_axis(
    axes: Axes, values: Sequence[float], bars: Sequence[float], seeds: Sequence[float]
) -> float | None:
    """Sets the limits of an axis of differences, on which neither means nor seeds are outside.

    If the largest difference is far above the median one, the axis is linear around 0 and
    logarithmic beyond.

    Args:
        axes: the panel.
        values: the means.
        bars: ends of their error bars.
        seeds: the differences of single seeds.

    Returns:
        The end of the linear part; None if all of the axis is linear.
    """
    sizes = np.abs([value for value in values if np.isfinite(value) and value])
    inside = np.array([0.0, *values, *seeds], dtype=float)
    inside = inside[np.isfinite(inside)]
    low, high = float(inside.min()), float(inside.max())
    ends = [low, high, *(end for end in bars if np.isfinite(end))]
    if not len(sizes) or sizes.max() < _CONTRAST * np.median(sizes):
        span = (high - low) or 0.01
        below, above = max(min(ends), low - 0.4 * span), min(max(ends), high + 0.4 * span)
        axes.set_ylim(below - 0.06 * span, above + 0.06 * span)
        return None
    linear = float(10.0 ** np.round(np.log10(np.median(sizes))))
    axes.set_yscale("symlog", linthresh=linear)
    powers = linear * 10.0 ** np.arange(
        0, 1 + np.ceil(np.log10(np.abs([min(ends), max(ends)]).max() / linear))
    )
    marks = sorted({0.0, *(-powers), *powers})
    axes.set_yticks(marks, [f"{mark:g}".replace("-", "−") for mark in marks])
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylim(min(1.4 * min(ends), -0.6 * linear), max(1.4 * max(ends), 0.6 * linear))
    return linear
