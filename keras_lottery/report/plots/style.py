"""Shared style of all figures: colors, markers, error bars, legends."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter
from matplotlib.transforms import offset_copy

from keras_lottery.errors import printable
from keras_lottery.figures import InlineFigure
from keras_lottery.report.results import DENSE, WINNING
from keras_lottery.report.statistics import Paired, is_bimodal

# Okabe and Ito's palette is safe for common color blindness; markers and dashes differ, too, for
# grayscale prints.
_BLACK, _ORANGE, _SKY, _GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
_BLUE, _VERMILLION, _PURPLE = "#0072B2", "#D55E00", "#CC79A7"
DENSE_COLOR = "#6b6b6b"


_LARGER = {"*": 1.6, "P": 1.3, "X": 1.3, "p": 1.3, "<": 1.2, ">": 1.2}
"""Markers with thin arms need more room inside their white edge."""


@dataclass(frozen=True)
class Line:
    """The line style of an arm."""

    color: str
    marker: str
    dashes: str = "-"
    width: float = 1.3

    def options(self) -> dict[str, Any]:
        """Returns Matplotlib's keywords for the line."""
        return {
            "color": self.color,
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
    "random_mask_layer": Line(_GREEN, "^", "-"),
    "layers_shuffled": Line(_PURPLE, "D", "-."),
    "edge_popup": Line(_SKY, "<", "--"),
    "edge_popup_signed": Line(_VERMILLION, ">", "-"),
    "supermask": Line(_GREEN, "p", ":"),
    "supermask_signed": Line(_ORANGE, "h", ":"),
    "supermask_rescaled": Line(_PURPLE, "*", ":"),
    "supermask_rescaled_signed": Line(_BLACK, "d", ":"),
    DENSE: Line(DENSE_COLOR, "_", "-"),
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
    taken = {_KNOWN[arm].color for arm in arms if arm in _KNOWN}
    free = sorted(_OTHERS, key=lambda line: line.color in taken)
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
        look: color, marker and line.
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
                markeredgewidth=0, color=look.color, alpha=0.6, zorder=2.2,
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
