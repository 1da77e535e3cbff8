"""What iteration and what late rewinding bring: the winning ticket without one or the other."""

import numpy as np

from keras_lottery.report.formatting import unit_of
from keras_lottery.report.plots.style import (
    SEEDS_CAPTION,
    Drawing,
    Line,
    dodge,
    mean_bars,
    new_figure,
    remaining_axis,
    tidy,
)
from keras_lottery.report.results import WINNING, Results
from keras_lottery.report.sentences import ABLATIONS
from keras_lottery.report.statistics import levels, paired, seed_range

_LOOKS = {"one_shot": Line("#0072B2", "o", "-"), "winning_init": Line("#D55E00", "s", "--")}


def draw_ablations(results: Results) -> Drawing | None:
    """Draws winning − one_shot and winning − winning_init at every level, paired by seed.

    Returns:
        None where the run has not all three.

    Reference:
        The ablations of Yu et al. 2019 (1906.02768).
    """
    if not {WINNING, *ABLATIONS} <= set(results.arms):
        return None
    unit = unit_of(results.rows)
    figure = new_figure(6.4, 3.6)
    axes = figure.subplots()
    tidy(axes)
    axes.axhline(0, color="black", linewidth=0.8, zorder=1.5)
    every = [level.remaining for level in levels(results.rows, WINNING)]
    for index, (arm, part) in enumerate(ABLATIONS.items()):
        pairs = [
            (level.remaining, paired(results.rows, WINNING, arm, {level.round}))
            for level in levels(results.rows, WINNING)
        ]
        found = [(left, pair) for left, pair in pairs if pair]
        low = [pair.mean - pair.low for _, pair in found]
        high = [pair.high - pair.mean for _, pair in found]
        bars = np.array([low, high]) * unit.factor
        places = dodge([left for left, _ in found], index, len(ABLATIONS), every)
        means = [pair.mean * unit.factor for _, pair in found]
        seeds = [unit.factor * np.array(list(pair.seeds.values())) for _, pair in found]
        label = f"{part}: {WINNING} − {arm}"
        mean_bars(axes, places, means, bars, _LOOKS[arm], seeds, label=label)
    remaining_axis(axes, every)
    side = "above" if results.higher_is_better else "below"
    what = unit.points.strip() or unit.name
    axes.set_ylabel(f"what it brings\n[{what}], {side} 0: it helps", fontsize=9.5)
    axes.legend(fontsize=8, loc="best")
    return Drawing(
        "ablations.png",
        figure,
        "What iteration and what late rewinding bring: the winning ticket less the one pruned in "
        "one shot, and less the one that is always rewound to the start. Mean differences paired "
        "by seed with their 95 % t intervals, "
        f"n = {seed_range(results.rows)} seeds.{SEEDS_CAPTION}",
        "Differences between the winning ticket and its ablations at every level.",
    )
