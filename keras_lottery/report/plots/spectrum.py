"""The spectrum of the curvature, with the thresholds of `inertial_manifold`."""

from typing import TYPE_CHECKING

from keras_lottery.report.plots.style import Drawing, legend, new_figure, tidy
from keras_lottery.report.results import Results
from keras_lottery.report.statistics import levels

if TYPE_CHECKING:
    from keras_lottery.report.prune_at_init import Spectra


def draw_spectrum(spectra: "Spectra", results: Results) -> Drawing:
    """Draws the sorted curvature of every seed, and the threshold of each level."""
    figure = new_figure(7.2, 3.6)
    axes = figure.subplots()
    tidy(axes)
    for rows in spectra.values():
        axes.plot(
            [row["index"] for row in rows],
            [row["value"] for row in rows],
            color="#0072B2",
            linewidth=0.9,
            alpha=0.7,
        )
    for index, level in enumerate(levels(results.rows, "inertial_manifold")):
        label = "thresholds of inertial_manifold" if index == 0 else None
        axes.axvline(level.kept, color="#D55E00", linewidth=0.9, label=label)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("rank in the sorted spectrum [weights]", fontsize=9.5)
    axes.set_ylabel("|∂²L/∂w²| [loss per squared weight]", fontsize=9.5)
    legend(axes)
    return Drawing(
        "spectrum.png",
        figure,
        "Absolute diagonal of the Hessian at the rewind point, estimated with random signs, sorted "
        f"over all prunable weights with a curvature; one line per seed ({len(spectra)} seeds). "
        "Both axes are logarithmic. Vertical lines: mean rank of each level's threshold; weights "
        "left of the line are kept.",
        "Sorted absolute curvature of the prunable weights, with the thresholds.",
    )
