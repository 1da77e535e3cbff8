"""The kept weights that read each input, at the sparsest levels."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator

from keras_lottery.report.formatting import percent
from keras_lottery.report.kept_rows import InputRow
from keras_lottery.report.plots.axes import beside
from keras_lottery.report.plots.style import Drawing, legend_below, lines, new_figure, tidy
from keras_lottery.report.results import Results
from keras_lottery.report.statistics import seed_range

_LEVELS = 3


def draw_inputs(results: Results, rows: Sequence[InputRow]) -> Drawing:
    """Draws the kept weights of the first layer by input: each seed as a point, means as lines."""
    rounds = sorted({row.round for row in rows})[-_LEVELS:]
    looks = lines(results.arms)
    arms = [arm for arm in results.arms if any(r.arm == arm and r.round in rounds for r in rows)]
    figure = new_figure(2.5 * len(rounds) + 1.2, 3.0)
    panels = figure.subplots(1, len(rounds), sharey=True, squeeze=False)[0]
    for axes, of_round in zip(panels, rounds):
        tidy(axes)
        level = [1 - r.sparsity for r in results.rows if r.round == of_round]
        axes.set_title(f"{percent(float(np.mean(level)))} remaining", fontsize=9.5)
        for index, arm in enumerate(arms):
            by_input: dict[int, list[int]] = defaultdict(list)
            for row in rows:
                if (row.round, row.arm) == (of_round, arm):
                    by_input[row.input].append(row.kept)
            places = [place + beside(index, len(arms)) for place in by_input]
            means = [float(np.mean(kept)) for kept in by_input.values()]
            axes.plot(places, means, label=arm, **looks[arm].options())
            points = [(x, kept) for x, counts in zip(places, by_input.values()) for kept in counts]
            style = {"linestyle": "", "marker": ".", "markersize": 4, "markeredgewidth": 0}
            axes.plot(*zip(*points), color=looks[arm].color, alpha=0.5, **style)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.set_xlabel("input", fontsize=9.5)
    panels[0].set_ylim(bottom=-0.03 * panels[0].get_ylim()[1])  # room for points at 0
    panels[0].set_ylabel("kept weights that read it", fontsize=9.5)
    legend_below(figure, panels[-1])
    return Drawing(
        "inputs.png",
        figure,
        "Kept weights of the first layer by the input that they read, at the sparsest levels: "
        "lines are means over seeds, small points single seeds. Arms are offset horizontally; "
        f"n = {seed_range(results.rows)}.",
        "Kept weights of the first layer by input, for each arm.",
    )
