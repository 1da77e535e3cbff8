"""Densities and overlap by hand."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from keras_lottery.errors import LotteryError
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.records.tables import write_table
from keras_lottery.report.kept_rows import DENSITIES, DensityRow
from keras_lottery.report.masks import densities, overlaps, seed_overlap, short_names
from keras_lottery.report.results import results_by_task

from .made_run import LAYERS, made_results


def test_overlap_by_hand() -> None:
    """a keeps 2 of 4 and 1 of 4, b 2 of 4 and 1 of 4; one weight of the first is shared."""
    a = {"x": np.array([1, 1, 0, 0], bool), "y": np.array([1, 0, 0, 0], bool)}
    b = {"x": np.array([0, 1, 1, 0], bool), "y": np.array([0, 1, 0, 0], bool)}
    found = seed_overlap(3, [a, b])
    assert (found.round, found.remaining, found.pairs) == (3, 3 / 8, 1)
    assert found.mean == found.low == found.high == 1 / 3
    assert found.chance == pytest.approx((2 * 2 / 4 + 1 * 1 / 4) / 3)
    assert found.chance_global == pytest.approx(3 * 3 / 8 / 3)


def test_three_seeds_are_three_pairs_and_equal_masks_overlap_fully() -> None:
    mask = {"x": np.array([1, 0, 1, 0], bool)}
    found = seed_overlap(1, [mask, mask, mask])
    assert (found.pairs, found.mean, found.chance) == (3, 1.0, 0.5)


def test_densities_are_those_of_the_masks(run: Path) -> None:
    found = densities(results_by_task(run)[0], "winning")
    assert found is not None
    assert found.paths == tuple(LAYERS) and found.seeds == 5
    assert found.rounds == tuple(range(1, 16))
    np.testing.assert_allclose(found.remaining, 0.8 ** np.arange(1, 16), atol=1e-3)
    np.testing.assert_allclose(found.sizes @ found.density, found.remaining * found.sizes.sum())


def test_variables_of_one_density_are_uniform(run: Path) -> None:
    found = densities(results_by_task(run)[0], "winning")
    assert found is not None and not found.is_uniform
    same = np.tile(found.remaining, (len(found.paths), 1))
    assert dataclasses.replace(found, density=same).is_uniform


def test_overlaps_of_tickets_are_above_chance_where_scores_are_shared(run: Path) -> None:
    found = overlaps(results_by_task(run)[0], "winning")
    assert [level.round for level in found] == list(range(1, 16))
    assert all(level.pairs == 10 and level.low > level.chance for level in found[4:])


def test_a_run_without_masks_has_neither(bare: Path) -> None:
    results = results_by_task(bare)[0]
    assert densities(results, "winning") is None
    assert overlaps(results, "winning") == []


def test_densities_of_another_run_are_refused(tmp_path: Path) -> None:
    results = made_results(seeds=3)
    results = dataclasses.replace(results, paths=RunPaths(tmp_path))
    row = DensityRow("vision", "winning", 1, 0.5, "layers/dense/kernel", 10, 0.5, seeds=2)
    write_table(tmp_path / DENSITIES, row.columns(), [row.texts()])
    with pytest.raises(LotteryError, match="3 seeds of `winning`"):
        densities(results, "winning")


def test_short_names() -> None:
    assert short_names(("layers/a/kernel", "layers/b/kernel")) == ["a", "b"]
    assert short_names(("layers/a/kernel", "layers/a/bias")) == ["kernel", "bias"]
    assert short_names(("layers/a/kernel", "out/kernel")) == ["layers/a", "out"]
    assert short_names(("a", "a/b")) == ["a", "a/b"]
    assert short_names(("only/kernel",)) == ["only/kernel"]
