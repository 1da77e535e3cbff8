"""The exact cut against a plain stable argsort, and on values done in the head."""

import ml_dtypes
import numpy as np
import pytest

from keras_lottery.errors import DivergedError, LotteryError
from keras_lottery.pruning import topk
from keras_lottery.pruning.counts import kept
from keras_lottery.pruning.topk import Score, Search, cut

DTYPES = ["float16", "bfloat16", "float32", "float64"]


def oracle(scores, masks, k):
    """Prunes the first k survivors of a stable argsort over the paths in order."""
    paths = sorted(scores)
    values = [np.asarray(scores[p].values, np.float64).reshape(-1) for p in paths]
    flat = np.concatenate([np.abs(v) if scores[p].absolute else v for p, v in zip(paths, values)])
    alive = np.flatnonzero(np.concatenate([masks[p].reshape(-1) for p in paths]))
    keep = np.zeros(flat.size, bool)
    keep[alive] = True
    keep[alive[np.argsort(flat[alive], kind="stable")[:k]]] = False
    parts = np.split(keep, np.cumsum([v.size for v in values])[:-1])
    return {p: part.reshape(masks[p].shape) for p, part in zip(paths, parts)}


def assert_equal(one, other):
    assert sorted(one) == sorted(other)
    for path in one:
        np.testing.assert_array_equal(one[path], other[path], path)


def odd_values(rng, size, dtype):
    """Normal values among zeros of both signs, denormals, infinities and many ties."""
    dtype = np.dtype(getattr(ml_dtypes, dtype, dtype))
    info = ml_dtypes.finfo(dtype)
    least, most = info.smallest_subnormal, info.max
    special = [0.0, -0.0, least, -least, info.tiny, most, -most, np.inf, -np.inf, 1.0, -1.0]
    values = rng.standard_normal(size).astype(dtype)
    where = rng.random(size) < 0.4
    values[where] = rng.choice(np.array(special, dtype), int(where.sum()))
    return values


@pytest.mark.parametrize("absolute", [True, False])
@pytest.mark.parametrize("dtype", [*DTYPES, "mixed"])
@pytest.mark.parametrize("seed", range(4))
def test_equals_a_stable_argsort(dtype, absolute, seed, monkeypatch):
    monkeypatch.setattr(topk, "_CHUNK", 64)
    rng = np.random.default_rng(seed)
    shapes = {f"layers/{i}/kernel": (int(rng.integers(0, 40)), i + 1) for i in range(12)}
    kinds = {p: rng.choice(DTYPES) if dtype == "mixed" else dtype for p in shapes}
    scores = {p: Score(odd_values(rng, s, kinds[p]), absolute) for p, s in shapes.items()}
    masks = {p: rng.random(s) < 0.7 for p, s in shapes.items()}
    alive = kept(masks)
    for k in (0, 1, alive // 5, alive // 2, alive - 1, alive):
        assert_equal(cut(scores, masks, k), oracle(scores, masks, k))


def test_threads_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    scores = {"a": Score(rng.integers(0, 50, 5000).astype(np.float32)), "b": Score(np.ones(700))}
    masks = {"a": rng.random(5000) < 0.5, "b": np.ones(700, bool)}
    monkeypatch.setattr(topk, "_CHUNK", 100)
    monkeypatch.setattr(topk.os, "cpu_count", lambda: 3)
    threaded = cut(scores, masks, 1234)
    monkeypatch.setattr(topk.os, "cpu_count", lambda: 1)
    assert_equal(threaded, cut(scores, masks, 1234))
    assert_equal(threaded, oracle(scores, masks, 1234))


def test_prunes_the_smallest_of_0_to_9():
    masks = cut({"w": Score(np.arange(10.0))}, {"w": np.ones(10, bool)}, 3)
    assert masks["w"].tolist() == [False] * 3 + [True] * 7


def test_ties_go_by_path_and_then_by_index():
    scores = {"b": Score(np.ones(4)), "a": Score(np.ones((2, 2)))}
    masks = {"a": np.ones((2, 2), bool), "b": np.ones(4, bool)}
    pruned = cut(scores, masks, 5)
    assert kept({"a": pruned["a"]}) == 0
    assert pruned["b"].tolist() == [False, True, True, True]


def test_zeros_of_both_signs_tie_and_survive():
    score = Score(np.array([0.0, -0.0, 0.0, 1.0], np.float32))
    for absolute in (True, False):
        pruned = cut({"w": Score(score.values, absolute)}, {"w": np.ones(4, bool)}, 2)
        assert pruned["w"].tolist() == [False, False, True, True]


def test_pruned_weights_are_not_counted_again():
    mask = np.array([False, False, True, True, True])
    pruned = cut({"w": Score(np.zeros(5))}, {"w": mask}, 1)
    assert pruned["w"].tolist() == [False, False, False, True, True]
    assert mask.tolist() == [False, False, True, True, True]


def test_fortran_order_and_other_byte_order():
    values = np.arange(12.0, dtype=">f4").reshape(3, 4)
    masks = {"w": np.ones((3, 4), bool)}
    expected = values >= 5
    np.testing.assert_array_equal(cut({"w": Score(values)}, masks, 5)["w"], expected)
    fortran = {"w": np.asfortranarray(masks["w"])}
    np.testing.assert_array_equal(
        cut({"w": Score(np.asfortranarray(values))}, fortran, 5)["w"], expected
    )


def test_nan_is_an_error_that_names_the_path():
    scores = {"a": Score(np.ones(3)), "layers/b": Score(np.array([1.0, np.nan, 2.0]))}
    masks = {"a": np.ones(3, bool), "layers/b": np.ones(3, bool)}
    with pytest.raises(DivergedError, match=r"NaN for weights of layers/b\. Training probably"):
        cut(scores, masks, 1)


@pytest.mark.parametrize("absolute", [True, False])
def test_nan_of_a_pruned_weight_is_not_looked_at(absolute):
    values = np.array([np.nan, 3, -np.nan, 2], np.float32)
    mask = np.array([False, True, False, True])
    pruned = cut({"w": Score(values, absolute)}, {"w": mask}, 1)
    assert pruned["w"].tolist() == [False, True, False, False]


def test_scores_must_be_floats():
    with pytest.raises(LotteryError, match="int64"):
        cut({"w": Score(np.arange(4))}, {"w": np.ones(4, bool)}, 1)


def test_more_than_survive_is_an_error():
    with pytest.raises(LotteryError, match="between 0 and 4"):
        cut({"w": Score(np.ones(4))}, {"w": np.ones(4, bool)}, 5)


def test_histograms_of_shards_add_up():
    rng = np.random.default_rng(1)
    values = rng.standard_normal(1000).astype(np.float32)
    shards = [{"a": Score(values[:300], True)}, {"b": Score(values[300:], True)}]
    masks = {"a": np.arange(300) >= 5, "b": np.ones(700, bool)}
    search = Search.start(shards[0], 200)
    assert sum(search.histogram(shard, masks) for shard in shards).sum() == 995
    while not search.done:
        search = search.narrow(sum(search.histogram(shard, masks) for shard in shards))
    found = np.array(search.prefix, np.uint32).view(np.float32)
    assert found == np.sort(np.abs(values[5:]))[199]
    assert search.rank == 1
