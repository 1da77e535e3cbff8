"""The arms and the counts behind the comparison of seeds."""

import numpy as np
import pytest

from benchmarks.validation import seed_arms
from benchmarks.validation.seeds import chance_inputs, connected_share
from keras_lottery.pruning import layout_of
from keras_lottery.tickets import overlap, total
from keras_lottery.types import Training

WEIGHTS = layout_of("weights", [])


def masks(seed=0, density=0.3):
    rng = np.random.default_rng(seed)
    shapes = {"a/kernel": (8, 12), "b/kernel": (12, 5), "c/kernel": (5, 3)}
    return {path: rng.random(shape) < density for path, shape in shapes.items()}


def test_each_draw_takes_another_seed_and_never_its_own():
    for seed in seed_arms.SEEDS:
        others = [
            seed_arms.other_winning(Training("", "vision", seed, 3, "other_seed", draw))
            for draw in range(4)
        ]
        assert {one.seed for one in others} == set(seed_arms.SEEDS) - {seed}
        assert {(one.arm, one.round, one.draw) for one in others} == {("winning", 3, 0)}


def test_shuffling_among_units_keeps_the_weights_of_each_input():
    given = masks()
    shuffled = seed_arms.permute_within_inputs(given, Training("", "vision", 0, 1, "x"), WEIGHTS)
    assert (shuffled["a/kernel"].sum(1) == given["a/kernel"].sum(1)).all()
    assert (shuffled["a/kernel"] != given["a/kernel"]).any()
    assert shuffled["b/kernel"].sum() == given["b/kernel"].sum()


def test_chance_with_the_inputs_given_is_what_shuffling_comes_to():
    a, b = masks(1), masks(2)
    a["a/kernel"][:4] = b["a/kernel"][:4] = False
    shares = []
    for draw in range(400):
        other = seed_arms.permute_within_inputs(b, Training("", "vision", 0, 1, "x", draw), WEIGHTS)
        shares.append(total(overlap(a, other).values()).share)
    assert np.mean(shares) == pytest.approx(chance_inputs(a, b, "a/kernel"), abs=0.01)
    assert chance_inputs(a, b, "a/kernel") > total(overlap(a, b).values()).expected_share


def test_connected_weights_lie_on_a_path():
    first = np.array([[True, False, False], [False, True, False]])
    second = np.array([[True, False], [False, False], [True, True]])
    given = {"a": first, "b": second}
    # Input 0 -> unit 0 -> output 0 is the one path; units 1 and 2 lead nowhere or come from none.
    assert connected_share(given, np.array([True, True])) == 2 / 5
    assert connected_share(given, np.array([False, True])) == 0
    assert connected_share({k: np.ones_like(m) for k, m in given.items()}, np.ones(2, bool)) == 1
