"""Wanda and SparseGPT against the definitions of their papers, on layers of a few weights."""

import numpy as np
import pytest

from keras_lottery.errors import LotteryError
from keras_lottery.pruning.sparsegpt import sparsegpt
from keras_lottery.pruning.wanda import wanda

OUTPUTS, INPUTS, TOKENS = 5, 12, 40


@pytest.fixture
def weights():
    return np.random.default_rng(0).normal(size=(OUTPUTS, INPUTS))


@pytest.fixture
def x():
    """Correlated inputs of different sizes, shape `(tokens, inputs)`."""
    rng = np.random.default_rng(1)
    mixed = rng.normal(size=(TOKENS, INPUTS)) @ rng.normal(size=(INPUTS, INPUTS))
    return mixed * np.geomspace(0.2, 5, INPUTS)


def full(weights):
    return np.ones(weights.shape, bool)


def error(weights, pruned, x):
    return np.sum(((weights - pruned) @ x.T) ** 2)


def eliminated(row, x, pruned, damping):
    """Prunes a row's weights from left to right, each by a least-squares fit of all behind it.

    The weights on the left are fixed; those on the right make up for the change of the outputs.
    """
    row = row.copy()
    extra = np.sqrt(damping * np.mean(np.sum(x**2, axis=0))) * np.eye(len(row))
    rows = np.concatenate([x, extra])  # λ ‖change‖² as further rows of a least-squares problem
    for j in np.flatnonzero(pruned):
        change, *_ = np.linalg.lstsq(rows[:, j + 1 :], rows[:, j] * row[j], rcond=None)
        row[j] = 0
        row[j + 1 :] += change
    return row


# ---- Wanda


def test_wanda_scores_a_weight_by_its_magnitude_times_the_norm_of_its_input():
    weights = np.array([[1.0, -2.0, 3.0, -4.0], [4.0, 3.0, 2.0, 1.0]])
    squares = np.array([100.0, 25.0, 4.0, 1.0])  # norms 10, 5, 2, 1
    # scores: 10, 10, 6, 4 and 40, 15, 4, 1
    mask = wanda(weights, squares, full(weights), 0.5)
    assert mask.tolist() == [[True, True, False, False]] * 2
    assert wanda(weights, squares, full(weights), 0.74).sum(axis=1).tolist() == [2, 2]
    # Equal scores are pruned in order.
    assert wanda(weights, squares, full(weights), 0.75)[0].tolist() == [False, True, False, False]


@pytest.mark.parametrize("sparsity", [0.0, 0.29, 0.5, 0.6, 0.99])
def test_wanda_equals_magnitude_if_all_inputs_have_the_same_norm(weights, sparsity):
    mask = wanda(weights, np.full(INPUTS, 3.0), full(weights), sparsity)
    prune = int(sparsity * INPUTS)
    for row, kept in zip(np.abs(weights), mask):
        assert np.array_equal(np.flatnonzero(~kept), np.sort(np.argsort(row)[:prune]))


def test_wanda_compares_all_weights_of_a_layer(weights, x):
    squares = np.sum(x**2, axis=0)
    mask = wanda(weights, squares, full(weights), 0.6, scope="layer")
    scores = np.abs(weights) * np.sqrt(squares)
    assert (~mask).sum() == 36 and scores[~mask].max() < scores[mask].min()
    assert len(set(mask.sum(axis=1))) > 1  # outputs differ


def test_wanda_keeps_n_of_every_m(weights, x):
    squares = np.sum(x**2, axis=0)
    mask = wanda(weights, squares, full(weights), 0.0, (1, 4))
    groups = (np.abs(weights) * np.sqrt(squares)).reshape(-1, 4)
    assert np.array_equal(mask.reshape(-1, 4), groups == groups.max(axis=1, keepdims=True))


def test_pruned_weights_stay_pruned(weights, x):
    kept = full(weights)
    kept[:, :3] = False  # a quarter
    weights = np.where(kept, weights, 0)
    squares = np.sum(x**2, axis=0)
    mask = wanda(weights, squares, kept, 0.5)
    assert not mask[:, :3].any() and (mask.sum(axis=1) == 6).all()
    for block_size in (2, 5, 128):
        updated, mask = sparsegpt(weights, x.T @ x, kept, 0.5, block_size=block_size)
        assert not mask[:, :3].any() and not updated[:, :3].any()
        assert mask.sum() == mask.size // 2
    for refused in (wanda, lambda w, s, *rest: sparsegpt(w, x.T @ x, *rest)):
        with pytest.raises(LotteryError, match=r"Expected at most.*pruned already\. Received"):
            refused(weights, squares, kept, 0.2)
        with pytest.raises(LotteryError, match="Received: 3"):
            refused(weights, squares, kept, 0, (2, 4))


# ---- SparseGPT


@pytest.mark.parametrize("block_size", [1, 4, 5, 128])
@pytest.mark.parametrize("sparsity", [0.0, 0.31, 0.5, 0.9])
def test_sparsegpt_eliminates_column_by_column(weights, x, sparsity, block_size):
    updated, mask = sparsegpt(
        weights, x.T @ x, full(weights), sparsity, block_size=block_size, damping=0.01
    )
    assert np.count_nonzero(~mask) == int(sparsity * weights.size)
    assert not updated[~mask].any()
    for row, kept, result in zip(weights, mask, updated):
        np.testing.assert_allclose(result, eliminated(row, x, ~kept, 0.01), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("block_size", "n_of_m"), [(128, (2, 4)), (2, (1, 4)), (4, (2, 3))])
def test_sparsegpt_keeps_n_of_every_m(weights, x, block_size, n_of_m):
    n, m = n_of_m
    updated, mask = sparsegpt(weights, x.T @ x, full(weights), 0, n_of_m, block_size=block_size)
    assert (mask.reshape(-1, m).sum(axis=1) == n).all()
    for row, kept, result in zip(weights, mask, updated):
        np.testing.assert_allclose(result, eliminated(row, x, ~kept, 0.01), rtol=1e-6, atol=1e-9)


def test_sparsegpt_prunes_what_costs_least(weights, x):
    """In a first block, the score of a weight is the error of the best update without it."""
    _, mask = sparsegpt(weights, x.T @ x, full(weights), 1 / weights.size, damping=1e-9)
    costs = np.array(
        [
            [error(row, eliminated(row, x, np.arange(INPUTS) == j, 1e-9), x) for j in range(INPUTS)]
            for row in weights
        ]
    )
    assert np.argmin(costs) == np.flatnonzero(~mask)


@pytest.mark.parametrize("sparsity", [0.3, 0.5, 0.8])
def test_updates_lower_the_error_of_the_outputs(weights, x, sparsity):
    updated, mask = sparsegpt(weights, x.T @ x, full(weights), sparsity)
    assert error(weights, updated, x) < error(weights, weights * mask, x)
    by_magnitude = np.abs(weights) > np.quantile(np.abs(weights), sparsity)
    updated, mask = sparsegpt(weights, x.T @ x, by_magnitude, (~by_magnitude).mean())
    assert np.array_equal(mask, by_magnitude)
    assert error(weights, updated, x) < error(weights, weights * by_magnitude, x)


def test_inputs_that_are_always_zero_are_pruned_first(weights, x):
    x[:, [2, 7]] = 0
    squares = np.sum(x**2, axis=0)
    assert not wanda(weights, squares, full(weights), 2 / INPUTS)[:, [2, 7]].any()
    updated, mask = sparsegpt(weights, x.T @ x, full(weights), 2 / INPUTS)
    assert not mask[:, [2, 7]].any() and mask.sum() == OUTPUTS * (INPUTS - 2)
    np.testing.assert_allclose(updated, np.where(mask, weights, 0))  # no other weight makes up


def test_a_singular_hessian_is_one_line(weights):
    ones = np.ones((INPUTS, INPUTS))
    assert np.isfinite(sparsegpt(weights, ones, full(weights), 0.5)[0]).all()
    with pytest.raises(LotteryError, match=r"Received: a singular one with.*Raise"):
        sparsegpt(weights, -ones, full(weights), 0.5, damping=0.0)
