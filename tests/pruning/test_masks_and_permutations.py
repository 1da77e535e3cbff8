"""Counting masks, and the shuffles of the controls."""

import numpy as np
import pytest

from keras_lottery.errors import LotteryError
from keras_lottery.pruning import (
    densities,
    full_masks,
    input_axes,
    kept,
    layout_of,
    permute_alike,
    permute_global,
    permute_kept_values,
    permute_layer,
    permute_slices,
    sparsity,
    word_axes,
)
from keras_lottery.types import VariableInfo

MASKS = {
    "b": np.arange(40).reshape(8, 5) < 10,
    "a": np.arange(60) >= 3,
    "empty": np.zeros((0, 3), bool),
    "scalar": np.ones((), bool),
}


WEIGHTS = layout_of("weights", [])


def rng():
    return np.random.default_rng(7)


def test_counts():
    assert kept(MASKS) == 10 + 57 + 1
    assert sparsity(MASKS) == pytest.approx(33 / 101)
    assert densities(MASKS) == {"a": 0.95, "b": 0.25, "empty": 1.0, "scalar": 1.0}
    assert (sparsity({}), kept({})) == (0, 0)


def test_full_masks_are_of_the_prunable():
    masks = full_masks([VariableInfo("b", (2, 3)), VariableInfo("a", (4,), prunable=False)])
    assert list(masks) == ["b"]
    assert masks["b"].shape == (2, 3)
    assert masks["b"].all()


@pytest.mark.parametrize("permute", [permute_layer, permute_global])
def test_a_shuffle_keeps_counts_and_shapes_and_ignores_order(permute):
    shuffled = permute(MASKS, rng(), WEIGHTS)
    assert kept(shuffled) == kept(MASKS)
    assert {p: m.shape for p, m in shuffled.items()} == {p: m.shape for p, m in MASKS.items()}
    assert any((shuffled[p] != MASKS[p]).any() for p in MASKS)
    again = permute(dict(reversed(MASKS.items())), rng(), WEIGHTS)
    assert all((shuffled[p] == again[p]).all() for p in MASKS)


def test_the_layer_shuffle_keeps_every_density():
    assert densities(permute_layer(MASKS, rng(), WEIGHTS)) == densities(MASKS)


def test_the_global_shuffle_evens_the_densities_out():
    masks = {"a": np.ones(5000, bool), "b": np.zeros(5000, bool)}
    found = densities(permute_global(masks, rng(), WEIGHTS))
    assert found["a"] == pytest.approx(0.5, abs=0.05)
    assert found["a"] + found["b"] == 1


def test_kept_values_are_shuffled_within_each_variable():
    weights = {"a": np.arange(60.0), "b": np.arange(40.0).reshape(8, 5), "other": np.arange(3.0)}
    masks = {path: MASKS[path] for path in "ab"}
    shuffled = permute_kept_values(weights, masks, rng())
    for path, mask in masks.items():
        assert sorted(shuffled[path][mask]) == sorted(weights[path][mask])
        assert (shuffled[path][mask] != weights[path][mask]).any()
        np.testing.assert_array_equal(shuffled[path][~mask], weights[path][~mask])
    np.testing.assert_array_equal(shuffled["other"], weights["other"])
    np.testing.assert_array_equal(weights["a"], np.arange(60.0))


def test_layers_of_equal_shape_swap_their_matrices_by_one_permutation():
    places = [f"encoder{'' if i == 0 else f'_{i}'}" for i in range(11)]
    kinds = {"query/kernel": (2, 2), "out/kernel": (2, 3)}
    weights = {
        f"{place}/{kind}": np.full(shape, float(i))
        for i, place in enumerate(places)
        for kind, shape in kinds.items()
    }
    weights |= {"head/kernel": np.full((2, 2), -1.0), "encoder/bias": np.full(2, -2.0)}
    paths = [path for path in weights if path.endswith("kernel")]
    shuffled = permute_alike(weights, paths, rng())
    orders = {k: [int(shuffled[f"{p}/{k}"].flat[0]) for p in places] for k in kinds}
    assert orders["query/kernel"] == orders["out/kernel"] != list(range(11))
    assert sorted(orders["out/kernel"]) == list(range(11))
    assert all(shuffled[p].shape == w.shape for p, w in weights.items())
    assert shuffled["head/kernel"][0, 0] == -1 and shuffled["encoder/bias"][0] == -2
    with pytest.raises(LotteryError, match="layers that are alike"):
        permute_alike(weights, ["head/kernel", "encoder/query/kernel"], rng())


def test_slices_keep_their_counts_along_any_axis():
    rng = np.random.default_rng(0)
    axes = {"conv": 2, "word": 1, "empty": 0, "bias": 0}
    shapes = {"conv": (3, 3, 4, 5), "word": (6, 20), "empty": (0, 4), "bias": (7,), "whole": (6, 7)}
    masks = {path: rng.random(shape) < 0.3 for path, shape in shapes.items()}
    shuffled = permute_slices(masks, rng, axes)
    for path, axis in axes.items():
        others = tuple(n for n in range(len(shapes[path])) if n != axis)
        assert shuffled[path].shape == shapes[path]
        assert (shuffled[path].sum(axis=others) == masks[path].sum(axis=others)).all()
    assert (shuffled["bias"] == masks["bias"]).all()  # each slice has one weight
    assert shuffled["whole"].sum() == masks["whole"].sum()
    assert all((shuffled[path] != masks[path]).any() for path in ("conv", "word", "whole"))


def test_the_axes_of_inputs_and_of_words():
    infos = [
        VariableInfo("embedding", (9, 4), kind="embedding", group="embedding"),
        VariableInfo("lstm", (4, 16), kind="recurrent", group="recurrent", input_axis=0),
        VariableInfo("conv", (3, 3, 4, 5), group="conv", input_axis=2),
        VariableInfo("depthwise", (3, 3, 4, 1), group="conv"),
        VariableInfo("output", (4, 9), output=True, input_axis=0),
        VariableInfo("output_bias", (9,), kind="bias", output=True),
    ]
    inputs = {"embedding": 0, "lstm": 0, "conv": 2, "depthwise": 2, "output": 0}
    assert input_axes(infos) == inputs
    assert word_axes(infos) == {"embedding": 0, "output": 1, "output_bias": 0}
