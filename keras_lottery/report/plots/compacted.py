"""Value of compacted tickets against their cost."""

from collections.abc import Sequence

import numpy as np

from keras_lottery.report.compacted import CompactedLevel
from keras_lottery.report.formatting import unit_of
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
from keras_lottery.report.statistics import dense_level, seed_counts

_COSTS = {"flops": "FLOPs", "seconds_1": "latency, batch 1", "seconds_32": "latency, batch 32"}


def draw_compacted(results: Results, by_round: Sequence[CompactedLevel]) -> Drawing:
    """Draws the value of every level against FLOPs and latency, relative to dense."""
    unit, figure = unit_of(results.rows), new_figure(7.2, 4.0)
    axes = figure.subplots()
    tidy(axes)
    dense = dense_level(results.rows)
    if dense:
        axes.axhline(dense.mean * unit.factor, color=DENSE_COLOR, linewidth=1.2, label="dense")
    means = np.array([at.level.mean for at in by_round]) * unit.factor
    spread = np.nan_to_num([at.level.sd for at in by_round]) * unit.factor
    seeds = [unit.factor * np.array(at.level.seeds) for at in by_round]
    looks = lines(tuple(_COSTS.values()))
    for cost, label in _COSTS.items():
        shares = [100 * at.shares[cost] for at in by_round]
        # Latencies of small networks hardly differ, and a line through them would zigzag.
        line = {} if cost == "flops" else {"linestyle": ""}
        mean_bars(axes, shares, means, spread, looks[label], seeds, label=label, **line)
    axes.set_xlabel("cost [% of the dense network]", fontsize=9.5)
    axes.set_xlim(left=0)
    axes.invert_xaxis()
    axes.set_ylabel(unit.axis, fontsize=9.5)
    legend(axes, tuple(_COSTS.values()))
    return Drawing(
        "compacted.png",
        figure,
        f"{unit.spoken} of compacted tickets against their FLOPs and the latency of a forward "
        "pass, each as a fraction of the dense network's. Means over seeds, bars ± 1 standard "
        f"deviation between seeds; n = {seed_counts([at.level.n for at in by_round])}."
        f"{SEEDS_CAPTION}",
        f"{unit.spoken} of the compacted tickets against their cost relative to dense.",
    )
