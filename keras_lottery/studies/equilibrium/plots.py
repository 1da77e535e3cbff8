"""Neurons at equilibrium: fraction frozen and validation accuracy during training."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from keras_lottery.report.plots.style import (
    DENSE_COLOR,
    Drawing,
    legend,
    lines,
    new_figure,
    tidy,
)
from keras_lottery.studies.equilibrium.rows import EpochRow

_KNOWN = {"equilibrium": "winning", "random": "reinit"}


def draw_epochs(epochs: Sequence[EpochRow], arms: Sequence[str]) -> Drawing:
    """Draws the fraction frozen and the validation accuracy of every arm, epoch by epoch."""
    figure = new_figure(7.2, 5.2)
    top, bottom = figure.subplots(2, 1, sharex=True)
    for axes in (top, bottom):
        tidy(axes)
    for arm in arms:
        if arm != "full":
            _band(top, epochs, arm, "frozen")
        _band(bottom, epochs, arm, "validation_accuracy")
    top.set_ylim(bottom=0)
    top.set_ylabel("neurons frozen [%]", fontsize=9.5)
    bottom.set_ylabel("validation accuracy [%]", fontsize=9.5)
    values = [row.validation_accuracy * 100 for row in epochs if row.epoch > 2]
    if values:
        bottom.set_ylim(bottom=max(0.0, min(values) - 3))
    bottom.set_xlabel("epoch", fontsize=9.5)
    legend(top)
    legend(bottom)
    n = len({row.seed for row in epochs})
    return Drawing(
        "frozen.png",
        figure,
        "Fraction of the neurons (output channels of convolution and batch-norm layers) "
        "frozen during an epoch, and accuracy on the validation set at its end: means over "
        f"{n} seeds, bands from the smallest to the largest. `random` freezes as many in each "
        "layer and epoch as `equilibrium` of the same seed.",
        "Fraction of neurons frozen and validation accuracy against the epoch, by arm.",
    )


def _band(axes: Axes, epochs: Sequence[EpochRow], arm: str, field: str) -> None:
    numbers = sorted({row.epoch for row in epochs if row.arm == arm})
    by_epoch = [
        [100 * getattr(r, field) for r in epochs if (r.arm, r.epoch) == (arm, number)]
        for number in numbers
    ]
    look = _look(arm)
    axes.plot(numbers, [np.mean(values) for values in by_epoch], label=arm, **look)
    axes.fill_between(numbers, [min(v) for v in by_epoch], [max(v) for v in by_epoch],
                      color=look["color"], alpha=0.15, linewidth=0)  # fmt: skip


def _look(arm: str) -> dict[str, Any]:
    if arm not in _KNOWN:
        return {"color": DENSE_COLOR, "linewidth": 1.2}
    line = lines([_KNOWN[arm]])[_KNOWN[arm]]
    return {"color": line.color, "linestyle": line.dashes, "linewidth": 1.4}
