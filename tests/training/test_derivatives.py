"""Derivatives that criteria ask for, against closed forms, differences and the exact Hessian."""

import keras
import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.datasets import load_digits

from keras_lottery import LotteryError, masking, pruning, toolkit
from keras_lottery.training import derivatives

L = keras.layers
pytestmark = pytest.mark.backend


def half_square(y, outputs):
    return keras.ops.mean(keras.ops.sum(keras.ops.square(outputs - y), axis=-1)) / 2


def linear():
    """One kernel W of shape (3, 2), no bias: everything about its squared error is known."""
    return keras.Sequential([keras.Input((3,)), L.Dense(2, use_bias=False)])


def examples(count=10):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(count, 3)).astype(np.float32)
    return x, rng.normal(size=(count, 2)).astype(np.float32)


def known(model, x, y, mask=True):
    """Returns gradient and Hessian of the mean half squared error: H = XᵀX/n for each column."""
    w = np.where(mask, masking.get_weights(model)["layers/dense/kernel"], 0)
    return np.where(mask, x.T @ (x @ w - y) / len(x), 0), x.T @ x / len(x)


def derive(name, model, x, y, **options):
    found = derivatives.derive(name, model, x, y, loss=half_square, batch_size=4, **options)
    return found["layers/dense/kernel"]


def test_derivatives_of_a_linear_model_are_those_of_its_formula():
    model, (x, y) = linear(), examples()
    gradient, hessian = known(model, x, y)
    np.testing.assert_allclose(derive("gradient", model, x, y), gradient, rtol=1e-4, atol=1e-6)
    found = derive("hessian_gradient", model, x, y)
    np.testing.assert_allclose(found, hessian @ gradient, rtol=1e-4, atol=1e-6)
    found = derive("hessian_diagonal", model, x, y)
    exact = np.repeat(np.diag(hessian)[:, None], 2, axis=1)
    np.testing.assert_allclose(found, exact, rtol=0.2)


def test_pruned_weights_take_no_part():
    model, (x, y) = linear(), examples()
    mask = np.array([[1, 0], [1, 1], [0, 1]], bool)
    gradient, hessian = known(model, x, y, mask)
    given = {"masks": {"layers/dense/kernel": mask}}
    found = derive("gradient", model, x, y, **given)
    np.testing.assert_allclose(found, gradient, rtol=1e-4, atol=1e-6)
    found = derive("hessian_gradient", model, x, y, **given)
    np.testing.assert_allclose(found, np.where(mask, hessian @ gradient, 0), rtol=1e-4, atol=1e-6)
    masked = toolkit.mask(linear(), in_place=True)
    masking.set_weights(masked, masking.get_weights(model))
    masking.set_masks(masked, given["masks"])
    again = derive("hessian_gradient", masked, x, y)
    np.testing.assert_allclose(found, again, rtol=1e-4, atol=1e-6)


def test_the_hessian_product_equals_differences_of_the_gradient():
    model, (x, y) = curved(), examples()
    weights = masking.get_weights(model)
    gradient, product = (
        derivatives.derive(name, model, x, y, loss=half_square)
        for name in ("gradient", "hessian_gradient")
    )
    step = 1e-2
    ends = []
    for sign in (1, -1):
        masking.set_weights(model, {p: w + sign * step * gradient[p] for p, w in weights.items()})
        ends.append(derivatives.derive("gradient", model, x, y, loss=half_square))
    for path, found in product.items():
        expected = (ends[0][path] - ends[1][path]) / (2 * step)
        np.testing.assert_allclose(found, expected, rtol=2e-2, atol=2e-3)


def curved():
    return keras.Sequential([keras.Input((3,)), L.Dense(5, activation="tanh"), L.Dense(2)])


def test_the_estimated_diagonal_ranks_as_the_exact_one_on_the_digits():
    digits = load_digits()
    x, y = digits.data[:300].astype(np.float32) / 16, digits.target[:300]
    model = keras.Sequential([keras.Input((64,)), L.Dense(16, activation="tanh"), L.Dense(10)])
    rng = np.random.default_rng(0)
    masking.set_weights(
        model,
        {p: rng.normal(0, 0.2, w.shape) for p, w in masking.get_weights(model).items()},
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    found = derivatives.derive("hessian_diagonal", model, x, y, loss=loss, batch_size=50)
    exact = exact_diagonal(masking.get_weights(model), x, y)
    assert exact.keys() == found.keys()
    one, other = (np.concatenate([abs(d[p]).ravel() for p in exact]) for d in (found, exact))
    assert spearmanr(one, other).statistic >= 0.9


def exact_diagonal(weights, x, y):
    """Returns ∂²L/∂w² of the 64-16-10 tanh network under cross-entropy, by hand in float64.

    With p the softmax, h = tanh(a), a = x W₁ + b₁ and o the one-hot target:
    ∂²L/∂V_jk² = h_j² p_k (1 - p_k), and for what leads to a_j
    ∂²L/∂a_j² = h_j'² (Σ_k V_jk² p_k - (Σ_k V_jk p_k)²) + h_j'' Σ_k V_jk (p_k - o_k).
    """
    w, b, v, c = (
        weights[f"layers/{name}"].astype(np.float64)
        for name in ("dense/kernel", "dense/bias", "dense_1/kernel", "dense_1/bias")
    )
    x = x.astype(np.float64)
    h = np.tanh(x @ w + b)
    logits = h @ v + c
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    first, second = 1 - h**2, -2 * h * (1 - h**2)
    spread = p * (1 - p)
    gauss = p @ (v**2).T - (p @ v.T) ** 2
    curvature = first**2 * gauss + second * ((p - np.eye(10)[y]) @ v.T)
    return {
        "layers/dense/kernel": (x**2).T @ curvature / len(x),
        "layers/dense/bias": curvature.mean(axis=0),
        "layers/dense_1/kernel": (h**2).T @ spread / len(x),
        "layers/dense_1/bias": spread.mean(axis=0),
    }


def test_a_temperature_divides_the_outputs_of_the_loss():
    model, (x, y) = linear(), examples()
    for name, power in (("gradient", 2), ("hessian_gradient", 4)):
        # The loss |f|²/2 is quadratic in f / T, and H g has a factor 1/T² more.
        plain = derivatives.derive(name, model, x, 0 * y, loss=half_square)
        cooled = derivatives.derive(name, model, x, 0 * y, loss=half_square, temperature=2.0)
        for path in plain:
            np.testing.assert_allclose(cooled[path] * 2**power, plain[path], rtol=1e-5)


def test_flow_is_conserved_and_needs_no_data():
    layers = [L.Dense(4, activation="relu", use_bias=False), L.BatchNormalization(scale=False)]
    model = keras.Sequential([keras.Input((3,)), *layers, L.Dense(2, use_bias=False)])
    loss, (x, y) = half_square, examples()
    found = derivatives.derive("flow", model, x, y, loss=loss)
    weights = masking.get_weights(model)
    first, last = (abs(weights[f"layers/{n}/kernel"]) for n in ("dense", "dense_1"))
    squeeze = 1 / np.sqrt(1 + 1e-3)  # batch norm's variance is 1 and its epsilon 1e-3
    np.testing.assert_allclose(
        found["layers/dense/kernel"], squeeze * np.tile(last.sum(axis=1), (3, 1)), rtol=1e-5
    )
    flows = [(found[p] * abs(weights[p])).sum() for p in found if p.endswith("kernel")]
    np.testing.assert_allclose(flows, squeeze * (first @ last).sum(), rtol=1e-5)
    other = derivatives.derive("flow", model, 0 * x - 7, y, loss=loss)
    assert all(np.array_equal(found[p], other[p]) for p in found)


def test_synflow_leaves_no_layer_empty():
    model = keras.Sequential([keras.Input((20,)), *(L.Dense(w, "relu") for w in (40, 2, 40, 2))])
    x, y = np.zeros((1, 20), np.float32), np.zeros((1, 2), np.float32)
    model.compile(loss="mse")
    infos, weights = masking.describe(model), masking.get_weights(model)

    def derived(name, masks):
        return derivatives.derive(name, model, x, y, masks=masks)

    def pruned(criterion):
        given = {"min_per_layer": 0, "criterion": criterion, "derive": derived}
        return pruning.prune_to(weights, {}, infos, 0.97, **given)

    expected = pruned("synflow")
    assert all(mask.any() for mask in expected.values())
    assert pruning.kept(expected) == pruning.kept(pruned("magnitude"))
    toolkit.prune(model, 0.97, criterion="synflow", data=(x, y))
    found = masking.get_masks(model)
    assert all(np.array_equal(found[p], mask) for p, mask in expected.items())


def test_what_is_not_finite_is_named():
    model, (x, y) = linear(), examples()
    masking.set_weights(model, {"layers/dense/kernel": np.full((3, 2), 3e38, np.float32)})
    with pytest.raises(LotteryError, match=r"finite gradient.*layers/dense/kernel"):
        derive("gradient", model, x, y)
    with pytest.raises(LotteryError, match=r"gradien.*hessian_diagonal"):
        derive("gradien", model, x, y)
    with pytest.raises(LotteryError, match="examples"):
        derive("gradient", model, x[:0], y[:0])
