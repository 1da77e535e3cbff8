"""Value of untrained networks against the weights that their masks keep, one line per criterion."""

from collections.abc import Mapping, Sequence

import numpy as np

from keras_lottery.records import ResultRow
from keras_lottery.report.formatting import Unit
from keras_lottery.report.plots.axes import remaining_axis
from keras_lottery.report.plots.style import DENSE_COLOR, Drawing, lines, new_figure, tidy
from keras_lottery.report.statistics import levels, seed_range

RANDOM = "random"
"""The criterion that prunes at random: its value is the chance level."""


def draw_supermasks(
    panels: Mapping[str, Sequence[ResultRow]],
    dense: float | None,
    unit: Unit,
    higher_is_better: bool = True,
) -> Drawing:
    """Draws one panel for each kind of untrained weights.

    Args:
        panels: title -> rows whose `arm` is the criterion; none is empty.
        dense: mean of the trained dense networks on the test set, or None.
        unit: unit of the values.
        higher_is_better: direction of the values.
    """
    figure = new_figure(7.2, 4.6)
    axes = np.atleast_1d(figure.subplots(1, len(panels), sharey=True))
    criteria = list(dict.fromkeys(row.arm for rows in panels.values() for row in rows))
    chance = _at_chance(panels, criteria) if higher_is_better else []
    looks = lines([name for name in criteria if name not in chance])
    for panel, (title, rows) in zip(axes, panels.items(), strict=True):
        tidy(panel)
        panel.set_title(title, fontsize=9.5)
        if dense is not None:
            panel.axhline(dense * unit.factor, color=DENSE_COLOR, linewidth=1.2, label="dense")
        for name in criteria:
            by_level = levels(rows, name)
            remaining = [lv.remaining for lv in by_level]
            means = [lv.mean * unit.factor for lv in by_level]
            if name in chance:
                label = "at chance level" if name == chance[0] else None
                panel.plot(
                    remaining, means, label=label, color="#b8b8b8", linewidth=0.8, zorder=1.5
                )
            else:
                shown = looks[name].options() | {"markersize": 3.0}
                panel.plot(remaining, means, label=name, **shown)
        remaining_axis(panel, [row.remaining for row in rows])
        panel.set_xticks(panel.get_xticks()[::2])
    axes[0].set_ylabel(unit.axis, fontsize=9.5)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=7.5, frameon=False)
    rows = [row for panel_rows in panels.values() for row in panel_rows]
    caption = (
        f"{unit.name} on held-out images of networks that are never trained, against the fraction "
        "of prunable weights that their masks keep. Each criterion derives the masks from a "
        f"trained network; means over n = {seed_range(rows)}. "
        "The horizontal line is the trained dense network on the test set."
    )
    if chance:
        caption += f" Thin and gray, at chance level: {', '.join(f'`{n}`' for n in chance)}."
    alt = f"{unit.name} of untrained networks against weights remaining, by mask criterion."
    return Drawing("supermasks.png", figure, caption, alt)


def _at_chance(panels: Mapping[str, Sequence[ResultRow]], criteria: Sequence[str]) -> list[str]:
    """Returns the criteria that are nowhere a third better than the best random mask."""
    if RANDOM not in criteria:
        return []
    best = {
        (title, name): max((level.mean for level in levels(rows, name)), default=-np.inf)
        for title, rows in panels.items()
        for name in criteria
    }
    return [
        name
        for name in criteria
        if all(best[title, name] <= 4 / 3 * best[title, RANDOM] for title in panels)
    ]
