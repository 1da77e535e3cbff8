"""Every registered criterion, on values done in the head."""

import ml_dtypes
import numpy as np
import pytest

from keras_lottery.errors import LotteryError
from keras_lottery.pruning import Score, criteria, prune_to
from keras_lottery.pruning.criteria import DERIVED
from keras_lottery.pruning.score_and_cut import path_rng, score_variable
from keras_lottery.types import VariableInfo

FINAL = {"w": np.array([1.0, -4.0, 2.0, 3.0], np.float32)}
INITIAL = {"w": np.array([1.0, -1.0, 4.0, -3.0], np.float32)}
GRADIENT = {"w": np.array([5.0, 0.0, 1.0, -1.0], np.float32)}
HESSIAN_GRADIENT = {"w": np.array([1.0, 1.0, -3.0, 2.0], np.float32)}
DIAGONAL = {"w": np.array([3.0, -0.5, 1.0, -4.0], np.float32)}
FLOW = {"w": np.array([2.0, 1.0, 0.5, 3.0], np.float32)}
KNOWN = {
    "final": FINAL,
    "initial": INITIAL,
    "gradient": GRADIENT,
    "hessian_gradient": HESSIAN_GRADIENT,
    "hessian_diagonal": DIAGONAL,
    "flow": FLOW,
}
ORDER = {  # indices from the first pruned to the last
    "magnitude": [0, 2, 3, 1],
    "magnitude_increase": [2, 0, 3, 1],
    "movement": [0, 2, 1, 3],
    "large_final": [0, 2, 3, 1],
    "small_final": [1, 3, 2, 0],
    "large_init": [0, 1, 3, 2],
    "small_init": [2, 3, 0, 1],
    "large_init_large_final": [0, 1, 2, 3],  # ranks by |w_i| 0 0 3 2, by |w_f| 0 3 1 2
    "small_init_small_final": [1, 2, 3, 0],
    "large_final_same_sign": [3, 0, 2, 1],  # the last one alone changes its sign
    "magnitude_increase_same_sign": [3, 2, 0, 1],
    "snip": [1, 2, 3, 0],
    "grasp": [2, 1, 0, 3],
    "synflow": [2, 0, 1, 3],
    "slow_modes": [3, 0, 2, 1],
    "fast_modes": [1, 2, 0, 3],
}


def score(name, known=KNOWN, seed=0, path="w"):
    return score_variable(name, path, np.ones(4, bool), known, seed)


@pytest.mark.parametrize("name", list(criteria))
def test_contract(name):
    chosen = criteria[name]
    assert chosen.needs <= {"final", "initial", *DERIVED} and chosen.iterations >= 1
    result = score(name)
    assert isinstance(result, Score)
    assert result.values.shape == (4,)
    np.testing.assert_array_equal(result.values, score(name).values)
    for need in chosen.needs:
        with pytest.raises(LotteryError, match=f"{need} values of w"):
            score(name, {**KNOWN, need: None})
    only_needed = {need: KNOWN[need] for need in chosen.needs}
    np.testing.assert_array_equal(result.values, score(name, only_needed).values)


@pytest.mark.parametrize("name", list(criteria))
@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float64])
def test_works_in_other_types(name, dtype):
    path = criteria[name].only or "w"
    known = {kind: {path: v["w"].astype(dtype)} for kind, v in KNOWN.items()}
    pruned = prune_to(
        known["final"],
        {},
        [VariableInfo(path, (4,), channels=(np.arange(4),), makes=(0,))],
        0.5,
        criterion=name,
        initial=known["initial"],
        derive=lambda name, masks: known[name],
        pattern="channels" if criteria[name].only else "weights",
    )
    expected = score(name)
    ranks = np.abs(expected.values) if expected.absolute else expected.values
    assert not pruned[path][np.argsort(ranks, kind="stable")[:2]].any()


@pytest.mark.parametrize(("name", "order"), ORDER.items())
def test_order(name, order):
    result = score(name)
    values = np.abs(result.values) if result.absolute else result.values
    assert np.argsort(values, kind="stable").tolist() == order


@pytest.mark.parametrize("name", ["large_final_diff_sign", "magnitude_increase_diff_sign"])
def test_weights_that_keep_their_sign_go_first_in_a_random_order(name):
    values = [score(name, seed=seed).values for seed in range(20)]
    assert all(v.argmax() == 3 for v in values)
    assert len({tuple(v.argsort()) for v in values}) > 1


def test_both_large_is_the_intersection_at_one_percentile():
    rng = np.random.default_rng(0)
    first, last = rng.normal(size=(2, 200)).astype(np.float32)
    known = {"final": {"w": last}, "initial": {"w": first}}
    mask = rng.random(200) < 0.8
    scores = score_variable("large_init_large_final", "w", mask, known).values[mask]
    ranks = [np.argsort(np.argsort(-np.abs(values[mask]))) for values in (first, last)]
    percentile = np.maximum(*ranks)  # from which on a weight is large at both times
    for kept in (10, 40, 90):
        order = np.argsort(-scores, kind="stable")
        chosen, pruned = order[:kept], order[kept:]
        assert percentile[chosen].max() <= percentile[pruned].min()


def test_magnitude_copies_nothing():
    assert score("magnitude").values is FINAL["w"]


def test_random_depends_only_on_seed_and_path():
    one, again = score("random", seed=3), score("random", seed=3)
    np.testing.assert_array_equal(one.values, again.values)
    assert (one.values != score("random", seed=4).values).any()
    assert (one.values != score("random", seed=3, path="v").values).any()


def test_random_numbers_of_a_path_stay_what_they_are():
    assert path_rng(0, "layers/dense/kernel").integers(0, 1000, 3).tolist() == [221, 20, 49]


def test_infinite_scores_rank_and_make_no_warning():
    known = {"final": {"w": np.full(4, np.inf, np.float32)}, "initial": INITIAL}
    assert np.isinf(score("movement", known).values).all()


def test_another_shape_is_an_error():
    with pytest.raises(LotteryError, match=r"\(4,\).*\(3,\)"):
        score("magnitude", {"final": {"w": np.ones(3)}})


def test_an_unknown_name_lists_the_known():
    with pytest.raises(LotteryError, match=r"magnitude.*movement.*snip"):
        prune_to(FINAL, {}, [VariableInfo("w", (4,))], 0.0, criterion="magnitud")
