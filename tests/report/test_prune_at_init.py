"""The sections of a report on arms that prune before training."""

import dataclasses

import numpy as np
import pytest

from keras_lottery import report
from keras_lottery.records import Records, ResultRow
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.report import prune_at_init
from keras_lottery.report.results import results_by_task
from keras_lottery.types import Training

from .made_run import make_run

VALUES = {
    "init_snip": 0.8, "init_snip_shuffled": 0.7, "init_snip_shuffled_per_input": 0.78,
    "init_snip_reinit": 0.9,
    "inertial_manifold": 0.2, "matched_curvature": 0.6, "matched_snip": 0.5,
}  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A made run with rows of the arms that prune before training, at round 1."""
    root = make_run(tmp_path_factory.mktemp("early") / "made-0123abcd", range(2), 1, ["winning"])
    paths = RunPaths(root)
    records = Records(paths)
    for seed in range(2):
        for arm, value in VALUES.items():
            training = Training("", "vision", seed, 1, arm)
            row = ResultRow(
                **dataclasses.asdict(training), sparsity=0.95, kept=2510, prunable=50200,
                total=50610, flops=10, steps=990, seconds=0.1, compile_seconds=0.0,
                metric="accuracy", value=value, final_value=value, best_value=value, best_step=990,
            )  # fmt: skip
            further = {"search_steps": 10.0}
            if arm == "inertial_manifold":
                further |= {"dimension": 5.0 + seed, "gap_size": 0.25}
                rows = [{"index": float(i), "value": i / 10} for i in range(1, 9)]
                records.write_extra(training, "spectrum", rows)
            records.append(row, further)
    return root


def families(run):
    (results,) = results_by_task(run)
    return results.subset(["winning", *VALUES])


def test_a_method_is_compared_with_its_own_controls(run):
    results = families(run)
    assert prune_at_init.controlled(results) == ["init_snip"]
    below, near, above = prune_at_init.sanity_sentences(results)
    assert "`init_snip` is 10.00 points more accurate than `init_snip_shuffled`" in below
    assert "2.00 points more accurate than `init_snip_shuffled_per_input`" in near
    assert "`init_snip` is 10.00 points less accurate than `init_snip_reinit`" in above
    table = prune_at_init.sanity_table(results)
    assert table.header[3:] == ["− shuffled", "− shuffled per input", "− reinit"]
    ((arm, level, _, *differences),) = table.rows
    assert (arm, level) == ("init_snip", "5.00 %")
    assert [text.partition(" ")[0] for text in differences] == ["+10.00", "+2.00", "−10.00"]
    assert not any("snip_" in a for a in prune_at_init.without_sanity_controls(results).arms)


def test_a_control_that_no_method_has_gets_no_column(run):
    arms = ["init_snip", "init_snip_reinit"]
    table = prune_at_init.sanity_table(families(run).subset(arms))
    assert table.header[3:] == ["− reinit"] and len(table.rows[0]) == 4


def test_dimensions_and_total_steps_are_in_one_table(run):
    results = families(run)
    (row,) = prune_at_init.dimension_table(results).rows
    assert row == ["1", "5, 6", "12.9", "0.250, 0.250"]
    table = prune_at_init.cost_table(results)
    assert table.header[:2] == ["remaining", "winning"]
    assert table.rows[0][1] == "2,000" and set(table.rows[0][2:]) == {"1,000"}
    assert prune_at_init.cost_table(results.subset(["winning"])).rows[0][1:] == ["2,000"]


def test_the_page_has_their_figures_and_says_what_is_an_interpretation(run):
    built = report.build(run)
    names = {file.name for file in built.figures}
    assert {"sanity.png", "spectrum.png"} <= names
    text = (run / "report" / "report.md").read_text()
    assert "interpretation" in text and "not a reproduction" in text
    assert "less accurate than `matched_curvature`" in text
    assert set(prune_at_init.spectra(families(run))) == {0, 1}
    assert np.isfinite([row["value"] for row in prune_at_init.spectra(families(run))[0]]).all()
