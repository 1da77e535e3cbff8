"""Overlap of masks between seeds, and the overlap expected by chance."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_lottery.report.masks import SeedOverlap
from keras_lottery.report.plots.axes import remaining_axis
from keras_lottery.report.plots.style import DENSE_COLOR, Drawing, legend, lines, new_figure, tidy


def draw_overlap(arm: str, overlaps: Sequence[SeedOverlap]) -> Drawing:
    """Draws the share of kept weights that two seeds have in common, against chance."""
    figure = new_figure(7.2, 3.8)
    axes = figure.subplots()
    tidy(axes)
    remaining = [level.remaining for level in overlaps]
    mean = np.array([level.mean for level in overlaps])
    below = mean - [level.low for level in overlaps]
    above = np.array([level.high for level in overlaps]) - mean
    axes.errorbar(
        remaining,
        100 * mean,
        yerr=[100 * below, 100 * above],
        label=f"{arm}, two seeds",
        elinewidth=1.0,
        capsize=1.5,
        **lines([arm])[arm].options(),
    )
    chance = [100 * level.chance for level in overlaps]
    everywhere = [100 * level.chance_global for level in overlaps]
    dots: dict[str, Any] = {"marker": "_", "markersize": 9}  # one level gives no line
    axes.plot(remaining, chance, color="black", linewidth=1.3, linestyle="--", **dots,
              label="chance, same density per variable")  # fmt: skip
    axes.plot(remaining, everywhere, color=DENSE_COLOR, linewidth=1.3, linestyle=":", **dots,
              label="chance, same density in all")  # fmt: skip
    remaining_axis(axes, remaining)
    pairs = max(level.pairs for level in overlaps)
    over = f"mean over {pairs} pairs of seeds, bars from the smallest to the largest pair"
    axes.set_ylim(0, 1.1 * max(1, *(100 * level.high for level in overlaps), *chance))
    axes.set_ylabel("kept by both seeds\n[% of kept]", fontsize=9.5)
    legend(axes)
    return Drawing(
        "overlap.png",
        figure,
        f"Share of the kept weights that the masks of two seeds of `{arm}` have in common"
        f"{f': {over}' if pairs > 1 else ''}; and the share expected of random masks with the same "
        "density in every variable, or in all variables together.",
        "Overlap of masks between seeds against the fraction of weights remaining, with chance.",
    )
