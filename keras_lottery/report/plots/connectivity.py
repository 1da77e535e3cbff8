"""What each network computes against how much of it is connected, at the sparsest levels."""

from collections.abc import Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator

from keras_lottery.report.connectivity import ConnectedNetwork
from keras_lottery.report.formatting import percent, unit_of
from keras_lottery.report.plots.axes import beside
from keras_lottery.report.plots.style import Drawing, legend_below, lines, new_figure, tidy
from keras_lottery.report.results import Results
from keras_lottery.report.statistics import seed_range

_LEVELS = 3


def draw_connectivity(results: Results, networks: Sequence[ConnectedNetwork]) -> Drawing:
    """Draws the value of each network against its inputs read and its narrowest hidden layer."""
    unit = unit_of(results.rows)
    rounds = sorted({network.round for network in networks})[-_LEVELS:]
    looks = lines(results.arms)
    present = {network.arm for network in networks if network.round in rounds}
    arms = [arm for arm in results.arms if arm in present]
    figure = new_figure(max(2.5 * len(rounds) + 1.2, 5.0), 4.8)
    panels = figure.subplots(2, len(rounds), sharey=True, sharex="row", squeeze=False)
    for column, number in enumerate(rounds):
        level = [network for network in networks if network.round == number]
        remaining = float(np.mean([network.remaining for network in level]))
        panels[0][column].set_title(f"{percent(remaining)} remaining", fontsize=9.5)
        for index, arm in enumerate(arms):
            same = [network for network in level if network.arm == arm]
            values = [unit.factor * network.value for network in same]
            inputs = [network.inputs + beside(index, len(arms)) for network in same]
            style = looks[arm].options() | {"linestyle": "", "alpha": 0.85, "label": arm}
            panels[0][column].plot(inputs, values, **style)
            panels[1][column].plot([network.narrowest for network in same], values, **style)
    for axes in panels.flat:
        tidy(axes)
    counts = [network.inputs for network in networks if network.round in rounds]
    beyond = max(0.6, 0.04 * (max(counts) - min(counts)))
    for axes in panels[0]:
        axes.set_xlim(min(counts) - beyond, max(counts) + beyond)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.set_xlabel("inputs read", fontsize=9.5)
    for axes in panels[1]:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.set_xlabel("connected units, narrowest layer", fontsize=9.5)
    for row in panels:
        row[0].set_ylabel(unit.axis, fontsize=9.5)
    legend_below(figure, panels[0][-1])
    return Drawing(
        "connectivity.png",
        figure,
        "Every network of the sparsest levels: its value against the inputs of the network that "
        "it reads, and against the connected units of the hidden layer that has the fewest. A unit "
        "is connected if kept weights lead from an input through it to an output. Points of "
        "different arms are shifted slightly where inputs are counted; "
        f"n = {seed_range(results.rows)}.",
        "Value of each sparse network against its connected inputs and units.",
    )
