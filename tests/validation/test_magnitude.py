"""The global magnitude mask equals that of torch.nn.utils.prune, bit for bit."""

import numpy as np
import pytest

pytest.importorskip("torch")

from benchmarks.validation.magnitude import compare, iterated, rounded, torch_masks
from keras_lottery.pruning import prune_to
from keras_lottery.types import VariableInfo

SHAPES = {
    "dense": {"a/kernel": (64, 300), "b/kernel": (300, 100), "c/kernel": (100, 10)},
    "conv": {"a/kernel": (3, 3, 3, 16), "b/kernel": (3, 3, 16, 32), "c/kernel": (32, 10)},
    "one": {"kernel": (1000,)},
}
SPARSITIES = (0.1, 0.2, 0.36, 0.5904, 0.9, 0.965)


def weights(name, seed=0):
    """Normal weights whose magnitudes all differ."""
    rng = np.random.default_rng(seed)
    shapes = SHAPES[name]
    size = sum(int(np.prod(shape)) for shape in shapes.values())
    magnitudes = rng.permutation(np.arange(1, size + 1, dtype=np.float32) / size)
    signed = np.split(
        magnitudes * rng.choice(np.float32([-1, 1]), size),
        np.cumsum([int(np.prod(shape)) for shape in shapes.values()])[:-1],
    )
    return {path: part.reshape(shape) for (path, shape), part in zip(shapes.items(), signed)}


@pytest.mark.parametrize("name", SHAPES)
def test_masks_are_equal_cut_after_cut(name):
    found = list(iterated(name, weights(name), SPARSITIES))
    assert len(found) == len(SPARSITIES)
    for cut in found:
        assert cut.torch_pruned == cut.pruned > 0
        # Weights move between the cuts, and then two may tie; the first cut has no tie.
        assert cut.differing <= 2 * (cut.tied - 1) and cut.elsewhere == 0, cut
    assert found[0].tied == 1 and found[0].differing == 0


def test_of_tied_weights_ours_prunes_the_first_and_torch_as_many():
    tied = rounded(weights("dense"), 1)
    found = list(iterated("tied", tied, (0.25, 0.55)))
    for cut in found:
        assert cut.tied > 100
        assert cut.torch_pruned == cut.pruned
        assert cut.elsewhere == 0 and cut.by_index
    assert found[0].pruned == int(0.25 * 50_200)


def test_the_floor_alone_keeps_what_torch_empties():
    small = {"a/kernel": np.full((4, 5), 1e-3, np.float32), "b/kernel": weights("one")["kernel"]}
    small["a/kernel"].flat[7] = 2e-3
    infos = [VariableInfo(path, w.shape) for path, w in small.items()]
    full = {path: np.ones(w.shape, bool) for path, w in small.items()}
    theirs = torch_masks(small, full, 510)
    assert not theirs["a/kernel"].any()
    ours = prune_to(small, full, infos, 0.5, min_per_layer=1)
    assert ours["a/kernel"].sum() == 1 and ours["a/kernel"].flat[7]
    cut = compare("floor", small, full, ours)
    assert cut.pruned == cut.torch_pruned == 510
    assert cut.emptied == 1 and cut.differing == 2


def test_a_mask_that_is_wrong_is_told():
    given = weights("dense")
    infos = [VariableInfo(path, w.shape) for path, w in given.items()]
    full = {path: np.ones(w.shape, bool) for path, w in given.items()}
    ours = prune_to(given, full, infos, 0.2)
    ours["a/kernel"][0] = ~ours["a/kernel"][0]
    assert compare("wrong", given, full, ours).elsewhere > 0
