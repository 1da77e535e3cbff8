"""Methods that prune before training minus their sanity controls, one panel per method."""

from collections.abc import Sequence

import numpy as np

from keras_lottery.report.formatting import unit_of
from keras_lottery.report.plots.axes import dodge, remaining_axis
from keras_lottery.report.plots.style import (
    INTERVALS,
    SEEDS_CAPTION,
    Drawing,
    Line,
    half_widths,
    mean_bars,
    new_figure,
    tidy,
)
from keras_lottery.report.results import Results
from keras_lottery.report.statistics import levels, paired, seed_range

_LOOKS = {
    "shuffled": Line("#009E73", "^", "-."),
    "shuffled_per_input": Line("#0072B2", "D", ":"),
    "reinit": Line("#D55E00", "s", "--"),
}
_SAYS = {
    "shuffled": "its mask shuffled within layers over the same weights",
    "shuffled_per_input": "its mask shuffled within each input",
    "reinit": "its mask applied to re-initialized weights",
}


def draw_sanity(results: Results, arms: Sequence[str]) -> Drawing:
    """Draws the differences between `arms` and their sanity controls, paired by seed."""
    unit = unit_of(results.rows)
    columns = min(3, len(arms))
    rows = -(-len(arms) // columns)
    figure = new_figure(3.3 * columns + 0.6, 2.7 * rows)
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for axes in panels.flat[len(arms) :]:
        axes.set_axis_off()
    controls = [c for c in _LOOKS if any(f"{arm}_{c}" in results.arms for arm in arms)]
    means = [0.0]
    for axes, arm in zip(panels.flat, arms, strict=False):
        tidy(axes)
        axes.set_title(arm, fontsize=9.5)
        axes.axhline(0, color="black", linewidth=0.8, zorder=1.5)
        every = [level.remaining for level in levels(results.rows, arm)]
        for index, control in enumerate(controls):
            pairs = [
                (level.remaining, paired(results.rows, arm, f"{arm}_{control}", {level.round}))
                for level in levels(results.rows, arm)
            ]
            measured = [(remaining, pair) for remaining, pair in pairs if pair]
            half = half_widths([pair for _, pair in measured], unit.factor)
            means += [pair.mean * unit.factor for _, pair in measured]
            places = dodge([remaining for remaining, _ in measured], index, len(controls), every)
            values = [pair.mean * unit.factor for _, pair in measured]
            seeds = [unit.factor * np.array(list(pair.seeds.values())) for _, pair in measured]
            mean_bars(axes, places, values, half, _LOOKS[control], seeds, label=f"− {control}")
        remaining_axis(axes, every)
    reach = 1.2 * max(abs(mean) for mean in means) or 1.0
    panels[0][0].set_ylim(-reach, reach)
    for row in panels:
        row[0].set_ylabel(f"method − control\n[{unit.noun}]", fontsize=9.5)
    panels[0][0].legend(fontsize=7.5, loc="lower left")
    return Drawing(
        "sanity.png",
        figure,
        f"Each method minus {', minus '.join(_SAYS[control] for control in controls)}: mean "
        "differences paired by seed with their "
        f"{INTERVALS}, n = {seed_range(results.rows)}; the axis shows all means and cuts off "
        f"wider intervals.{SEEDS_CAPTION}",
        f"Differences between {', '.join(arms)} and their sanity controls.",
    )
