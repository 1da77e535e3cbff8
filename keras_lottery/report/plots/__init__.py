"""The figures of a report, one file each."""

from keras_lottery.report.plots.ablations import draw_ablations
from keras_lottery.report.plots.compacted import draw_compacted
from keras_lottery.report.plots.connectivity import draw_connectivity
from keras_lottery.report.plots.curves import draw_curves
from keras_lottery.report.plots.density import draw_density
from keras_lottery.report.plots.inputs import draw_inputs
from keras_lottery.report.plots.overlap import draw_overlap
from keras_lottery.report.plots.sanity import draw_sanity
from keras_lottery.report.plots.spectrum import draw_spectrum
from keras_lottery.report.plots.speed import draw_speed
from keras_lottery.report.plots.style import Drawing
from keras_lottery.report.plots.tickets import draw_tickets

__all__ = [
    "Drawing",
    "draw_ablations",
    "draw_compacted",
    "draw_connectivity",
    "draw_curves",
    "draw_density",
    "draw_inputs",
    "draw_overlap",
    "draw_sanity",
    "draw_spectrum",
    "draw_speed",
    "draw_tickets",
]
