"""Every registered criterion, on values done in the head."""

import ml_dtypes
import numpy as np
import pytest

from keras_lottery.errors import LotteryError
from keras_lottery.pruning import Score, criteria, prune_to
from keras_lottery.pruning.criteria import path_rng, score_variable
from keras_lottery.types import VariableInfo

FINAL = {"w": np.array([1.0, -4.0, 2.0, 3.0], np.float32)}
INITIAL = {"w": np.array([1.0, -1.0, 4.0, -3.0], np.float32)}
GRADIENT = {"w": np.array([5.0, 0.0, 1.0, -1.0], np.float32)}
KNOWN = {"final": FINAL, "initial": INITIAL, "gradient": GRADIENT}
ORDER = {  # indices from the first pruned to the last
    "magnitude": [0, 2, 3, 1],
    "magnitude_increase": [2, 0, 3, 1],
    "movement": [0, 2, 1, 3],
    "snip": [1, 2, 3, 0],
}


def score(name, known=KNOWN, seed=0, path="w"):
    return score_variable(name, path, np.ones(4, bool), known, seed)


@pytest.mark.parametrize("name", list(criteria))
def test_contract(name):
    chosen = criteria[name]
    assert chosen.needs <= {"final", "initial", "gradient"}
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
    known = {kind: {"w": v["w"].astype(dtype)} for kind, v in KNOWN.items()}
    pruned = prune_to(
        known["final"],
        {},
        [VariableInfo("w", (4,))],
        0.5,
        criterion=name,
        initial=known["initial"],
        gradients=known["gradient"],
    )
    expected = score(name)
    ranks = np.abs(expected.values) if expected.absolute else expected.values
    assert not pruned["w"][np.argsort(ranks, kind="stable")[:2]].any()


@pytest.mark.parametrize(("name", "order"), ORDER.items())
def test_order(name, order):
    result = score(name)
    values = np.abs(result.values) if result.absolute else result.values
    assert np.argsort(values, kind="stable").tolist() == order


def test_magnitude_copies_nothing():
    assert score("magnitude").values is FINAL["w"]


def test_random_depends_on_seed_and_path_alone():
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
