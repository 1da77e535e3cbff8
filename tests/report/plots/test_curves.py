"""Learning curves and ablations, checked by reading the figures."""

import dataclasses
from pathlib import Path

import numpy as np

from keras_lottery.records import Records
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.report.kept import write_kept_tables
from keras_lottery.report.plots import draw_ablations, draw_curves
from keras_lottery.report.results import results_by_task
from keras_lottery.report.statistics import paired
from tests.report.made_run import make_run


def with_curves(root: Path) -> Path:
    """A run whose accuracy at step s of seed k is s + k, and s alone for the control."""
    run = make_run(root, seeds=(0, 1), rounds=5, arms=("winning", "reinit"), masks=False)
    records = Records(RunPaths(run))
    for row in results_by_task(run)[0].rows:
        shift = 0 if row.arm == "reinit" else row.seed
        begin = 400 if row.arm == "winning" else 100
        history = [{"step": s, "accuracy": s + shift} for s in range(begin, 1001, 300)]
        records.write_history(row.training, history)
    return run


def test_curves_are_means_over_seeds_at_three_levels(tmp_path: Path) -> None:
    drawing = draw_curves(results_by_task(with_curves(tmp_path / "run"))[0])
    assert drawing is not None
    panels = drawing.figure.axes
    assert [axes.get_title() for axes in panels] == [
        "80.0 % remaining",
        "51.2 % remaining",
        "32.8 % remaining",
    ]
    for axes in panels:
        found = {line.get_label(): line for line in axes.get_lines()}
        assert set(found) == {"dense", "winning", "reinit"}
        for arm, mean in (("dense", 0.5), ("winning", 0.5), ("reinit", 0.0)):
            x, y = map(np.asarray, found[arm].get_data())
            assert x[0] == (400 if arm == "winning" else 100) and x[-1] == 1000
            np.testing.assert_allclose(y, 100 * (x + mean))  # an accuracy, in percent


def test_a_kept_folder_draws_the_same_curves(tmp_path: Path) -> None:
    results = dataclasses.replace(results_by_task(with_curves(tmp_path / "run"))[0], task="rl")
    write_kept_tables([results], tmp_path)
    kept = dataclasses.replace(results, paths=RunPaths(tmp_path))
    drawings = [draw_curves(of) for of in (results, kept)]
    first, again = (
        [np.asarray(line.get_data()) for axes in d.figure.axes for line in axes.get_lines()]
        for d in drawings
        if d is not None
    )
    np.testing.assert_allclose(first, again, rtol=1e-5)


def test_there_are_no_curves_where_the_history_does_not_hold_the_metric(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", seeds=(0,), rounds=2, masks=False)
    assert draw_curves(results_by_task(run)[0]) is None


def test_ablations_are_paired_differences_to_the_winning_ticket(tmp_path: Path) -> None:
    arms = ("winning", "one_shot", "winning_init")
    results = results_by_task(make_run(tmp_path / "run", rounds=4, arms=arms, masks=False))[0]
    drawing = draw_ablations(results)
    assert drawing is not None
    (axes,) = drawing.figure.axes
    shown = {c.get_label(): np.asarray(c[0].get_ydata(), float) for c in axes.containers}
    for arm, part in (("one_shot", "iterative pruning"), ("winning_init", "late rewinding")):
        expected = [100 * paired(results.rows, "winning", arm, {r}).mean for r in range(1, 5)]
        np.testing.assert_allclose(shown[f"{part}: winning − {arm}"], expected)
    without = results_by_task(make_run(tmp_path / "other", rounds=2, arms=arms[:2], masks=False))[0]
    assert draw_ablations(without) is None
