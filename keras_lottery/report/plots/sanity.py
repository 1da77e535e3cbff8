"""Methods that prune before training beside their own sanity controls, one panel a method."""

from collections.abc import Sequence

import numpy as np

from keras_lottery.report.plots.style import (
    DENSE_COLOUR,
    Drawing,
    Line,
    new_figure,
    remaining_axis,
    tidy,
)
from keras_lottery.report.statistics import dense_level, levels, seed_range
from keras_lottery.report.study import Study
from keras_lottery.report.units import unit_of

_LOOKS = {
    "": Line("#0072B2", "o", "-", 1.8),
    "_shuffled": Line("#009E73", "^", "-."),
    "_reinit": Line("#D55E00", "s", "--"),
}


def draw_sanity(study: Study, arms: Sequence[str]) -> Drawing:
    """Draws each of `arms` with its shuffled and its fresh control, on one vertical axis."""
    unit, dense = unit_of(study.rows), dense_level(study.rows)
    columns = min(3, len(arms))
    rows = -(-len(arms) // columns)
    figure = new_figure(3.3 * columns + 0.6, 2.7 * rows)
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for axes in panels.flat[len(arms) :]:
        axes.set_axis_off()
    for axes, arm in zip(panels.flat, arms, strict=False):
        tidy(axes)
        axes.set_title(arm, fontsize=9.5)
        if dense:
            axes.axhline(dense.mean * unit.factor, color=DENSE_COLOUR, linewidth=1.0)
        every = []
        for ending, look in _LOOKS.items():
            found = levels(study.rows, arm + ending)
            every += [level.remaining for level in found]
            spread = np.nan_to_num([level.sd for level in found]) * unit.factor
            axes.errorbar(
                [level.remaining for level in found],
                [level.mean * unit.factor for level in found],
                yerr=spread if spread.any() else None,
                label=ending.lstrip("_") or "its own mask and weights",
                elinewidth=0.9,
                capsize=1.5,
                **look.options(),
            )
        remaining_axis(axes, every)
    for row in panels:
        row[0].set_ylabel(unit.axis, fontsize=9.5)
    panels[0][0].legend(fontsize=7.5, loc="lower left")
    return Drawing(
        "sanity.png",
        figure,
        "Each method beside its own mask shuffled within layers and beside fresh weights under its "
        "mask: means over seeds, bars ± 1 standard deviation between seeds, the line dense; "
        f"n = {seed_range(study.rows)} seeds.",
        f"{study.metric} of {', '.join(arms)} and of their sanity controls.",
    )
