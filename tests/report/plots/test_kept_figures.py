"""What the figures of kept pages draw: intervals, seeds, scales and legends."""

import dataclasses
import itertools

import numpy as np
import pytest
from matplotlib.colors import to_hex

from keras_lottery.report.plots import draw_ablations, draw_spectrum, draw_tickets
from keras_lottery.report.statistics import paired
from keras_lottery.studies.strong_tickets.plots import draw_transition
from keras_lottery.studies.strong_tickets.rows import TransitionRow
from keras_lottery.studies.supermasks.plots import RANDOM, draw_supermasks
from keras_lottery.studies.transfer.plots import draw_matrix
from tests.report.made_run import made_results

ABLATED = ("winning", "one_shot", "winning_init")


def test_ablations_have_their_t_intervals() -> None:
    results = made_results(arms=ABLATED)
    drawing = draw_ablations(results)
    assert drawing is not None
    (axes,) = drawing.figure.axes
    bars = axes.containers[1]
    pairs = [paired(results.rows, "winning", "winning_init", {r}) for r in (1, 2)]
    for segment, pair in zip(bars[2][0].get_segments(), pairs, strict=True):
        assert pair is not None
        np.testing.assert_allclose(segment[:, 1], [100 * pair.low, 100 * pair.high])
    assert sum(line.get_marker() == "." for line in axes.lines) == 4  # seeds at two levels


def test_two_seeds_are_points_without_an_interval() -> None:
    results = made_results(seeds=2, arms=ABLATED)
    drawing = draw_ablations(results)
    assert drawing is not None
    below = draw_tickets(results).figure.axes[1]
    for axes in (drawing.figure.axes[0], below):
        assert not any(container.has_yerr for container in axes.containers)
        points = [line for line in axes.lines if line.get_marker() == "."]
        assert points and all(len(line.get_ydata()) == 2 for line in points)
    assert "none at two seeds" in drawing.caption


@pytest.mark.parametrize(("seeds", "has_interval"), [(2, False), (3, True)])
def test_a_cell_of_the_matrix_has_its_interval_from_three_seeds_on(
    seeds: int, has_interval: bool
) -> None:
    (text,) = draw_matrix({"a": made_results(seeds)}, "reinit", {}).figure.axes[0].texts
    assert ("[" in text.get_text()) is has_interval
    assert "-" not in text.get_text()


def test_flops_in_proportion_to_the_weights_have_no_axis_between_levels_either() -> None:
    results = made_results()
    rows = [dataclasses.replace(r, flops=2 * r.kept) for r in results.rows]
    others = [
        dataclasses.replace(r, kept=r.kept + 3000, sparsity=r.sparsity - 3000 / r.prunable)
        for r in rows
        if r.arm == "reinit"
    ]  # their levels are ticks of the axis, too
    rows = [row for row in rows if row.arm != "reinit"]
    figure = draw_tickets(dataclasses.replace(results, rows=(*rows, *others))).figure
    assert figure.axes[0].child_axes == []


def test_the_spectrum_has_two_logarithmic_axes_with_units() -> None:
    rows = [{"index": float(i), "value": 10.0**-i} for i in range(1, 4)]
    drawing = draw_spectrum({0: rows}, made_results(arms=("winning", "inertial_manifold")))
    (axes,) = drawing.figure.axes
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert "[" in axes.get_xlabel() and "[" in axes.get_ylabel()


def test_criteria_at_chance_level_are_gray() -> None:
    row = made_results(seeds=1, rounds=1, arms=("winning",)).rows[-1]
    values = {RANDOM: 0.10, "small_init": 0.12, "large_final": 0.6}
    rows = [dataclasses.replace(row, arm=name, value=value) for name, value in values.items()]
    axes = draw_supermasks({"initial weights": rows}, None, _unit(rows)).figure.axes[0]
    gray, same, colored = (to_hex(line.get_color()) for line in axes.lines)
    assert gray == same == "#b8b8b8" != colored
    assert axes.lines[0].get_label() == "at chance level"


def test_the_legend_of_the_transition_names_every_n() -> None:
    rows = [
        TransitionRow(n=n, k=n // 2, target=0.0, ratio=ratio, error=0.1, draws=10, successes=5)
        for n, ratio in itertools.product((16, 24), (0.5, 1.0))
    ]
    texts = draw_transition(rows).figure.axes[1].get_legend().get_texts()
    assert [text.get_text() for text in texts][-2:] == ["n = 16", "n = 24"]


def _unit(rows):  # type: ignore[no-untyped-def]
    from keras_lottery.report.formatting import unit_of

    return unit_of(rows)
