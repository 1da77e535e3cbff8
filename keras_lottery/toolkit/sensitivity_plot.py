"""The heat map of a sensitivity table."""

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import TwoSlopeNorm
from numpy.typing import NDArray

from keras_lottery.figures import InlineFigure

_MOST_NUMBERS = 60
_LONGEST = 44


def draw(
    change: NDArray[np.float64], layers: Sequence[str], sparsities: Sequence[float], title: str
) -> InlineFigure:
    """Returns a heat map of changes `(layers, sparsities)`, with numbers if there is room."""
    figure = InlineFigure(figsize=(2.6 + 0.9 * change.shape[1] + 2.6, 1.7 + 0.3 * change.shape[0]))
    figure.set_layout_engine("constrained")
    axes = figure.subplots()
    finite = np.abs(change[np.isfinite(change)])
    reach = float(finite.max(initial=0.0)) or 1.0
    image = axes.imshow(change, cmap="RdBu_r", norm=TwoSlopeNorm(0, -reach, reach), aspect="auto")
    axes.set_xticks(range(change.shape[1]), [f"{100 * s:g}" for s in sparsities])
    axes.set_yticks(range(change.shape[0]), [_shortened(layer) for layer in layers])
    axes.set_xlabel("layer sparsity [%]")
    axes.tick_params(labelsize=8.5)
    if change.size <= _MOST_NUMBERS:
        for (row, column), value in np.ndenumerate(change):
            color = "white" if abs(value) > 0.6 * reach else "black"
            axes.text(column, row, f"{value:+.2g}", ha="center", va="center", color=color, size=8)
    bar = figure.colorbar(image, ax=axes, pad=0.02)
    bar.ax.tick_params(labelsize=8.5)
    axes.set_title(title, fontsize=9.5, loc="left")
    return figure


def _shortened(layer: str) -> str:
    name = layer.removeprefix("layers/").replace(" + layers/", " + ")
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
