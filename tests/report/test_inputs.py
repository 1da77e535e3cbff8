"""Which inputs the networks of a run read: rows, table and figure."""

import dataclasses
from pathlib import Path

import numpy as np

from keras_lottery.records import LayerRow
from keras_lottery.report.inputs import input_rows, inputs_table
from keras_lottery.report.kept_rows import InputRow
from keras_lottery.report.plots import draw_inputs
from keras_lottery.report.results import Results, results_by_task
from keras_lottery.tickets import Ticket

from . import made_run
from .test_connectivity import connected_run, kept_page, networks_of


def small_run(root: Path) -> Results:
    """Returns a run of two seeds, a ticket each, whose first layer has three inputs and units.

    The ticket of seed s keeps three weights of input 1, 2 - s of input 2, and none of input 3.
    """
    first, second = "layers/dense/kernel", "output/kernel"
    run = made_run.make_run(root / "made-0123abcd", range(2), 1, ["winning"])
    results = results_by_task(run)[0]
    rows = []
    for row in results.rows:
        if row.round:
            kernel = np.arange(3) < [[3], [2 - row.seed], [0]]
            masks = {first: kernel, second: np.ones((3, 2), np.bool_)}
            start = {path: np.zeros(mask.shape, np.float32) for path, mask in masks.items()}
            kept = sum(int(mask.sum()) for mask in masks.values())
            changed = dataclasses.replace(row, kept=kept, prunable=15, sparsity=1 - kept / 15)
            Ticket(masks=masks, start=start).save(results.paths.ticket(row.training))
            layers = [
                LayerRow(path, int(m.sum()), m.size, float(m.mean()), len(m), m.shape[1])
                for path, m in masks.items()
            ]
            table = [",".join(LayerRow.columns()), *(",".join(x.texts()) for x in layers), ""]
            results.paths.layers(row.training).write_text("\n".join(table))
            rows.append(changed)
    return dataclasses.replace(results, rows=rows)


def rows_of(results: Results) -> list[InputRow]:
    """Returns the kept weights by input of a run or of a kept page."""
    return input_rows(results, networks_of(results))


def test_the_kept_weights_of_each_input_are_counted(tmp_path: Path) -> None:
    results = small_run(tmp_path)
    counts = [[row.kept for row in rows_of(results) if row.seed == seed] for seed in (0, 1)]
    assert counts == [[3, 2, 0], [3, 1, 0]]
    table = inputs_table(results, rows_of(results))
    assert table.header == ["remaining", "arm", "input 1", "input 2", "input 3"]
    assert [line[1:] for line in table.rows] == [["winning", "3.0", "1.5", "0.0"]]


def test_a_kept_page_has_the_inputs_of_its_run(tmp_path: Path) -> None:
    results = small_run(tmp_path)
    again = kept_page(results, tmp_path / "kept")
    assert rows_of(again) == rows_of(results)


def test_networks_with_many_inputs_have_no_such_figure(tmp_path: Path) -> None:
    assert rows_of(connected_run(tmp_path)) == []


def test_the_line_is_the_mean_and_a_seed_is_a_point() -> None:
    results = made_run.made_results(seeds=2, rounds=1, arms=["winning"])
    rows = [
        InputRow("vision", "winning", seed, 1, 0, place, kept)
        for seed, counts in enumerate(([4, 2], [2, 2]))
        for place, kept in enumerate(counts, 1)
    ]
    (axes,) = draw_inputs(results, rows).figure.axes
    mean, seeds = axes.lines
    np.testing.assert_allclose(mean.get_xydata(), [[1, 3], [2, 2]])
    np.testing.assert_allclose(seeds.get_xydata(), [[1, 4], [1, 2], [2, 2], [2, 2]])
