"""Gadgets and whole layers: exact counts, and outputs as a hand-written forward pass has them."""

import numpy as np
import pytest

from keras_lottery.errors import LotteryError
from keras_lottery.studies.strong_tickets.construction import construct, draw, error_bound, owner
from keras_lottery.studies.strong_tickets.gadget import gadget

N, K = 12, 6


def target(seed=0):
    rng = np.random.default_rng(seed)
    return [rng.uniform(-0.5, 0.5, (5, 3)), rng.uniform(-0.5, 0.5, (4, 2))]


def pairs(n=N, k=K):
    return [construct(w, draw(*w.shape, n, (7, i)), k) for i, w in enumerate(target())]


def relu(x):
    return np.maximum(x, 0)


def forward(layers, x):
    for index, w in enumerate(layers):
        x = np.append(x, np.ones((len(x), 1)), axis=1) @ w
        x = relu(x) if index < len(layers) - 1 else x
    return x


def random_forward(found, x):
    for index, pair in enumerate(found):
        x = np.append(x, np.ones((len(x), 1)), axis=1)
        first, second = (w * m for w, m in zip(pair.weights, pair.masks))
        x = relu(x @ first) @ second
        x = relu(x) if index < len(found) - 1 else x
    return x


def test_a_gadget_is_a_line_through_zero_on_both_sides():
    rng = np.random.default_rng(0)
    a, b = rng.uniform(-1, 1, 40), np.repeat([1, -1], 20) * rng.uniform(0, 1, 40)
    found = gadget(a, b, 0.7, 10)
    assert found.chosen[:20].sum() == found.chosen[20:].sum() == 10
    assert found.error < 1e-3
    for x in (-1.0, -0.25, 0.5, 1.0):
        y = (a * relu(b * x))[found.chosen].sum()
        slope = found.positive if x > 0 else found.negative
        assert y == pytest.approx(slope * x)
        assert abs(y - 0.7 * x) <= found.error + 1e-12


def test_a_gadget_needs_both_signs_and_k_of_each():
    with pytest.raises(LotteryError, match="both signs"):
        gadget(np.ones(4), np.ones(4), 0.5, 1)
    with pytest.raises(LotteryError, match="from 1 to n = 2"):
        gadget(np.ones(4), np.array([1, 1, -1, -1]), 0.5, 3)
    with pytest.raises(LotteryError, match="Received: 0"):
        gadget(np.ones(4), np.array([1, 1, -1, -1]), 0.5, 0)


def test_every_input_has_as_many_neurons_of_either_sign():
    first = draw(9, 2, 8, (0,))[0]
    owners = owner(first)
    for i in range(9):
        signs = first[i, owners == i] > 0
        assert (len(signs), signs.sum()) == (16, 8)


def test_signs_that_cannot_be_shared_out_are_an_error():
    with pytest.raises(LotteryError, match="4 neurons for 2 inputs"):
        owner(np.ones((2, 4)))


def test_every_block_keeps_exactly_k_and_nothing_of_the_draw_changes():
    for index, pair in enumerate(pairs()):
        first, second = pair.masks
        owners = first.argmax(axis=0)
        assert (first.sum(axis=0) == 1).all()
        for i in range(len(first)):
            up = pair.weights[0][i] > 0
            assert (second[(owners == i) & up].sum(axis=0) == K).all()
            assert (second[(owners == i) & ~up].sum(axis=0) == K).all()
        again = draw(len(first), second.shape[1], N, (7, index))
        assert all(np.array_equal(w, a) for w, a in zip(pair.weights, again))
        assert all(w.dtype == np.float32 and abs(w).max() <= 1 for w in pair.weights)


def test_outputs_are_the_targets_up_to_the_bound_on_both_signs_of_the_input():
    found = pairs()
    x = np.random.default_rng(1).uniform(-1, 1, (500, 4))
    error = np.abs(random_forward(found, x) - forward(target(), x)).max()
    assert 0 < error <= error_bound(found) < 0.5
    # The bound is reached where all errors add up: one layer, one input, its worst sign.
    (one,) = pairs()[:1]
    worst = one.errors(both=True).sum(axis=0).max()
    assert error_bound([one]) == pytest.approx(worst)


def test_more_candidates_come_nearer():
    assert error_bound(pairs(24, 12)) < error_bound(pairs(12, 6)) / 10
