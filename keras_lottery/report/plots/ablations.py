"""The gains from iterative pruning and late rewinding: the ticket without one or the other."""

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
from keras_lottery.report.results import WINNING, Results
from keras_lottery.report.sentences import ABLATIONS
from keras_lottery.report.statistics import levels, paired, seed_range

_LOOKS = {"one_shot": Line("#0072B2", "o", "-"), "winning_init": Line("#D55E00", "s", "--")}


def draw_ablations(results: Results) -> Drawing | None:
    """Draws winning − one_shot and winning − winning_init at every level, paired by seed.

    Returns:
        None if the run lacks one of the three.

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
        measured = [(remaining, pair) for remaining, pair in pairs if pair]
        bars = half_widths([pair for _, pair in measured], unit.factor)
        places = dodge([remaining for remaining, _ in measured], index, len(ABLATIONS), every)
        means = [pair.mean * unit.factor for _, pair in measured]
        seeds = [unit.factor * np.array(list(pair.seeds.values())) for _, pair in measured]
        label = f"{part}: {WINNING} − {arm}"
        mean_bars(axes, places, means, bars, _LOOKS[arm], seeds, label=label)
    remaining_axis(axes, every)
    side = "above" if results.higher_is_better else "below"
    noun = unit.noun
    axes.set_ylabel(f"gain\n[{noun}], {side} 0: it helps", fontsize=9.5)
    axes.legend(fontsize=8, loc="best")
    return Drawing(
        "ablations.png",
        figure,
        "Gains from iterative pruning and from late rewinding: the winning ticket minus the one "
        "pruned in one shot, and minus the one always rewound to initialization. Mean differences "
        f"paired by seed with their {INTERVALS}, n = {seed_range(results.rows)}.{SEEDS_CAPTION}",
        "Differences between the winning ticket and its ablations at every level.",
    )
