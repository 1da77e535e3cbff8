"""The contents of the figures, read from the figures themselves."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes

from keras_lottery.report.masks import Densities, densities, grouped, overlaps
from keras_lottery.report.plots import draw_density, draw_overlap, draw_speed, draw_tickets
from keras_lottery.report.plots.axes import contrast_axis, distinct_levels, dodge, ticks, window
from keras_lottery.report.plots.style import lines, mean_bars, new_figure
from keras_lottery.report.results import results_by_task
from keras_lottery.report.sentences import sparse_range
from keras_lottery.report.statistics import levels, paired
from keras_lottery.studies.transfer.plots import draw_matrix, draw_sizes

from .made_run import SHAPES, make_run


def names(axes: Axes) -> list[str]:
    legend = axes.get_legend()
    return [text.get_text() for text in legend.get_texts()] if legend else []


def means(axes: Axes, label: str) -> np.ndarray:
    """Returns the heights of the line that a legend's entry stands for."""
    container = next(c for c in axes.containers if c.get_label() == label)
    return np.asarray(container[0].get_ydata(), dtype=float)  # type: ignore[index]


def test_tickets_shows_every_arm_and_the_paired_differences(bare: Path) -> None:
    results = results_by_task(bare)[0]
    drawing = draw_tickets(results)
    top, bottom = drawing.figure.axes
    assert names(top) == ["winning", "reinit", "permuted_layer", "dense"]
    assert names(bottom) == []  # the colors are those above
    for arm in results.arms:
        expected = [100 * level.mean for level in levels(results.rows, arm)]
        np.testing.assert_allclose(means(top, arm), expected)
    expected = [100 * paired(results.rows, "winning", "reinit", {r}).mean for r in range(1, 16)]  # type: ignore[union-attr]
    np.testing.assert_allclose(means(bottom, "− reinit"), expected)
    assert bottom.get_xscale() == "log"
    left, right = bottom.get_xlim()
    assert left > 1 > 0.8**15 > right
    assert top.get_ylabel() == "accuracy [%]"
    assert bottom.get_xlabel() == "weights remaining [%]"
    assert bottom.get_xticklabels()[0].get_text() == "100"
    assert "n = 5 seeds" in drawing.caption and "95 % t interval" in drawing.caption


def test_the_flops_of_the_sparse_network_stand_above(bare: Path) -> None:
    (upper,) = draw_tickets(results_by_task(bare)[0]).figure.axes[0].child_axes
    texts = [tick.get_text() for tick in upper.get_xticklabels()]
    assert texts[:2] == ["100", "64.3"]  # 2 · 0.64 · 50,200 + 820 of 2 · 50,200 + 820
    assert "FLOPs" in upper.get_xlabel()


def test_flops_that_repeat_the_axis_below_are_left_out(bare: Path) -> None:
    results = results_by_task(bare)[0]
    rows = tuple(dataclasses.replace(row, flops=2 * row.kept) for row in results.rows)
    figure = draw_tickets(dataclasses.replace(results, rows=rows)).figure
    assert figure.axes[0].child_axes == []


def test_one_seed_has_no_bars_and_one_arm_no_differences(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", seeds=[0], arms=("winning",), rounds=3, masks=False)
    drawing = draw_tickets(results_by_task(run)[0])
    (top,) = drawing.figure.axes
    assert not top.containers[0].has_yerr  # type: ignore[attr-defined]
    assert "n = 1 seed, so" in drawing.caption and "offset" not in drawing.caption


def test_dense_alone_is_drawn(tmp_path: Path) -> None:
    results = results_by_task(make_run(tmp_path / "run", arms=(), masks=False))[0]
    (top,) = draw_tickets(results).figure.axes
    assert names(top) == ["dense"]
    assert names(draw_speed(results).figure.axes[0]) == ["dense"]


def test_unknown_arms_get_their_own_style() -> None:
    looks = lines([*SHAPES, "mine", "yours"])
    assert len({(look.color, look.marker, look.dashes) for look in looks.values()}) == 9


def test_speed_shows_the_steps(bare: Path) -> None:
    results = results_by_task(bare)[0]
    (axes,) = draw_speed(results).figure.axes
    expected = [level.mean for level in levels(results.rows, "winning", "best_step")]
    np.testing.assert_allclose(means(axes, "winning"), expected)
    assert axes.get_ylim()[0] == 0


def test_density_has_a_line_a_variable(run: Path) -> None:
    found = densities(results_by_task(run)[0], "winning")
    assert found is not None
    (axes,) = draw_density(found).figure.axes
    assert names(axes) == ["all weights", "layers/dense", "layers/dense_1", "output"]
    np.testing.assert_allclose(axes.lines[1].get_ydata(), 100 * found.density[0])


def test_many_variables_become_a_heat_map() -> None:
    paths = tuple(f"layers/conv_{i}/kernel" for i in range(21))
    density = np.linspace(0, 1, 42).reshape(21, 2)
    found = Densities("winning", (1, 2), np.array([0.8, 0.64]), paths, density, np.ones(21), 1)
    axes = draw_density(found).figure.axes[0]
    assert len(axes.get_yticklabels()) == 21
    assert axes.images[0].get_array().shape == (21, 2)  # type: ignore[union-attr]


def test_variables_past_two_dozen_are_grouped_by_layer() -> None:
    paths = (
        "layers/embedding",
        *(f"layers/block_{i}/{n}" for i in range(2) for n in "abcdefghijklm"),
    )
    sizes, density = np.ones(27), np.full((27, 1), 0.2)
    sizes[1], density[1] = 88, 0.7  # 88 of the first block's 100 weights
    found = Densities("winning", (1,), np.array([0.5]), paths, density, sizes, 1)
    shown = grouped(found, 24)
    assert shown.paths == ("layers/embedding", "layers/block_0", "layers/block_1")
    np.testing.assert_allclose(shown.density[:, 0], [0.2, 0.64, 0.2])
    assert shown.sizes.tolist() == [1, 100, 13]
    assert grouped(found, 27) is not shown and grouped(found, 27).paths == paths


@pytest.mark.parametrize(
    ("seeds", "points"),
    [([0.4, 0.5, 0.6], 1), ([0.5], 0), ([0.3, 0.4, 0.5, 0.5, 0.5, 0.5, 0.6, 0.7], 0),
     ([0.0] * 4 + [1.0] * 4, 1)],
)  # fmt: skip
def test_few_or_bimodal_seeds_are_points(seeds: list[float], points: int) -> None:
    axes = new_figure().subplots()
    mean_bars(axes, [1.0, 0.5], [0.5, 0.5], [0.1, 0.1], lines(["winning"])["winning"], [seeds])
    drawn = [line for line in axes.lines if line.get_marker() == "."]
    assert [list(line.get_ydata()) for line in drawn] == [seeds] * points


def test_one_level_has_a_mark_and_no_line() -> None:
    axes = new_figure().subplots()
    look = lines(["winning"])["winning"]
    mean_bars(axes, [0.5], [0.5], [np.nan], look, label="one")
    mean_bars(axes, [0.5, 0.2], [0.5, 0.4], [np.nan, np.nan], look, label="two")
    assert [c[0].get_linestyle() for c in axes.containers] == ["None", "-"]  # type: ignore[index]


def test_overlap_is_drawn_with_chance(run: Path) -> None:
    found = overlaps(results_by_task(run)[0], "winning")
    (axes,) = draw_overlap("winning", found).figure.axes
    assert len(names(axes)) == 3
    np.testing.assert_allclose(
        means(axes, "winning, two seeds"), [100 * level.mean for level in found]
    )


def test_ticks_that_would_lie_on_each_other_are_one() -> None:
    assert ticks([0.558, 0.555, 0.552, 1.0]) == [1.0, 0.558]


@pytest.mark.parametrize("count", [1, 5, 31])
def test_ticks_are_few_and_begin_with_dense(count: int) -> None:
    chosen = ticks([0.8**i for i in range(count)])
    assert chosen[0] == 1.0 and len(chosen) <= 10


def test_dodged_points_never_reach_the_next_level() -> None:
    every = [0.8**i for i in range(1, 16)]
    first, last = (dodge(every, i, 7, every) for i in (0, 6))
    assert (first > last).all() and (last[:-1] > first[1:]).all()


def test_a_collapse_does_not_flatten_the_rest() -> None:
    values = [0.97, 0.96, 0.965, 0.95, 0.955, 0.96, 0.1]
    low, high, cut = window([values])
    assert cut and low > 0.85 and high > 0.97
    assert window([values[:-1]]) == (pytest.approx(0.9488), pytest.approx(0.9712), False)
    low, high, cut = window([[-value for value in values]], higher_is_better=False)
    assert cut and high < -0.85 and low < -0.97
    low, _, cut = window([[*values, 0.1]])
    assert low < 0.1 and not cut, "two of eight are no few"
    assert not window([[1.0, 1.0]])[2] and window([[float("nan")]])[2] is False


def test_the_main_arm_is_never_cut() -> None:
    values = [0.97, 0.96, 0.965, 0.95, 0.955, 0.96, 0.1]
    assert window([values], shown=[0.96, 0.1])[0] < 0.1
    assert window([[*values[:-1], 0.9]])[2] is False, "the others fill a fifth of the axis"


def test_an_arm_is_not_cut_by_more_than_half() -> None:
    values = [0.97, 0.96, 0.965, 0.95, 0.955, 0.96]
    assert window([values, [0.96, 0.1]])[2]
    low, _, cut = window([values, [0.1]])
    assert low < 0.1 and not cut


def test_all_differences_are_on_their_axis() -> None:
    axes = new_figure().subplots()
    assert contrast_axis(axes, [0.1, -0.3, 0.4], [-9.0, 9.0], [1.5]) == (None, True)
    low, high = axes.get_ylim()
    assert axes.get_yscale() == "linear" and -2 < low < -0.3 and 1.5 < high < 3
    assert contrast_axis(axes, [0.1, -0.1, 0.2, 40.0], [], [70.0, -0.5]) == (1.0, False)
    low, high = axes.get_ylim()
    assert axes.get_yscale() == "symlog" and low < -0.5 and high > 70
    marks = [text.get_text() for text in axes.get_yticklabels()]
    assert {"−1", "0", "1", "10", "100"} <= set(marks)


def test_levels_of_one_round_have_one_tick_that_of_the_main_arm(bare: Path) -> None:
    main = levels(results_by_task(bare)[0].rows, "winning")[:2]
    near = [dataclasses.replace(level, remaining=1.02 * level.remaining) for level in main]
    far = dataclasses.replace(main[0], remaining=0.1)
    left = distinct_levels({"reinit": [*near, far], "winning": main}, "winning")
    assert left == [main[0].remaining, main[1].remaining, 0.1]


def test_bars_widen_the_axis_but_do_not_rule_it() -> None:
    low, high, cut = window([[0.0, 1.0]], [-0.1, 1.2])
    assert (low, high, cut) == (pytest.approx(-0.16), pytest.approx(1.26), False)
    low, high, cut = window([[0.0, 1.0]], [-50.0, 50.0])
    assert (low, high, cut) == (pytest.approx(-0.46), pytest.approx(1.46), True)


def test_targets_of_other_metrics_have_their_own_colors(bare: Path) -> None:
    results = results_by_task(bare)[0]
    rows = tuple(dataclasses.replace(r, metric="f1", value=r.value / 50) for r in results.rows)
    other = dataclasses.replace(results, rows=rows)
    one = draw_matrix({"a": results, "b": results}, "reinit", {}).figure.axes
    assert len(one) == 2 and "ticket −\nreinit" in one[1].get_ylabel()
    pair = paired(results.rows, "winning", "reinit", sparse_range(results)[0])
    assert pair is not None
    shown = f"{100 * pair.mean:+.2f}\n[{100 * pair.low:+.2f}, {100 * pair.high:+.2f}]"
    assert shown in [text.get_text() for text in one[0].texts]
    own = draw_matrix({"b": results, "a": results}, "reinit", {}).figure.axes[0]
    assert [text.get_text() for text in own.get_yticklabels()] == ["b", "a"]
    (axes,) = draw_matrix({"a": results, "b": other}, "reinit", {}).figure.axes
    named = [text.get_text() for text in axes.get_xticklabels()]
    assert named == ["a\npoints", "b\nF1"] and axes.get_title() == "ticket − reinit"
    shown = np.ma.filled(axes.images[0].get_array(), np.nan)
    assert np.nanmax(np.abs(shown), axis=0).tolist() == [1.0, 1.0]


def test_the_control_of_every_level_is_named(bare: Path) -> None:
    results = results_by_task(bare)[0]
    rows = [dataclasses.replace(r, source="big") for r in results.rows if r.arm == "winning"]
    both = dataclasses.replace(results, rows=(*results.rows, *rows))
    (axes,) = draw_sizes(both, "small", {"big": 100}, "reinit").figure.axes
    controls = [line for line in axes.lines if line.get_linestyle() == ":"]
    assert len(controls) == len([name for name in names(axes) if name.startswith("reinit, ")]) == 3
