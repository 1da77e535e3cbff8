"""Learning speed: the step of the minimum validation loss against weights remaining."""

import numpy as np

from keras_lottery.report.plots.axes import distinct_levels, dodge, longest, remaining_axis
from keras_lottery.report.plots.style import (
    DENSE_COLOR,
    SEEDS_CAPTION,
    Drawing,
    legend,
    lines,
    mean_bars,
    new_figure,
    tidy,
)
from keras_lottery.report.results import Results
from keras_lottery.report.statistics import dense_level, levels, seed_range


def draw_speed(results: Results) -> Drawing:
    """Draws the mean step of the minimum validation loss of every arm, with its spread."""
    figure = new_figure(8.2, 3.8)
    axes = figure.subplots()
    tidy(axes)
    by_arm = {arm: levels(results.rows, arm, "best_step") for arm in results.arms}
    every = distinct_levels(by_arm, results.main)
    dense = dense_level(results.rows, "best_step")
    if dense:
        axes.axhline(dense.mean, color=DENSE_COLOR, linewidth=1.2, label="dense", zorder=1.5)
        sd = float(np.nan_to_num(dense.sd))
        axes.axhspan(dense.mean - sd, dense.mean + sd, color=DENSE_COLOR, alpha=0.18, linewidth=0)
    looks, apart = lines(results.arms), longest(by_arm)
    for index, (arm, of_arm) in reversed(list(enumerate(by_arm.items()))):
        spread = np.nan_to_num([level.sd for level in of_arm])
        places = dodge([level.remaining for level in of_arm], index, len(by_arm), apart)
        means, seeds = [level.mean for level in of_arm], [level.seeds for level in of_arm]
        mean_bars(axes, places, means, spread, looks[arm], seeds, label=arm)
    remaining_axis(axes, every)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("minimum of the validation\nloss [optimizer steps]", fontsize=9.5)
    legend(axes, results.arms, outside=True)
    return Drawing(
        "speed.png",
        figure,
        "Learning speed: the optimizer step at which the validation loss is smallest, mean over "
        "seeds, bars and band ± 1 standard deviation between seeds; n = "
        f"{seed_range(results.rows)}. Lower is faster; a step at the end of training means "
        f"that the loss was still falling.{SEEDS_CAPTION}",
        f"Step of the minimum validation loss of {', '.join(by_arm) or 'dense'} against the "
        "fraction of weights remaining.",
    )
