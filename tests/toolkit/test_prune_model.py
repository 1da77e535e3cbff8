"""Pruning a model in one call, and the table of kept weights."""

import keras
import numpy as np
import pytest

from keras_lottery import LotteryError, masking, toolkit
from keras_lottery.training.derivatives import derive

L = keras.layers
pytestmark = pytest.mark.backend


def counted():
    """A model whose 20 prunable weights are 1 to 20: 12 in the first kernel, 8 in the second."""
    model = keras.Sequential([keras.Input((3,)), L.Dense(4), L.Dense(2)])
    first, second = (layer.kernel for layer in model.layers)
    first.assign(np.arange(1, 13).reshape(3, 4))
    second.assign(-np.arange(13, 21).reshape(4, 2))
    return model


def test_the_smallest_magnitudes_go():
    model = counted()
    report = toolkit.prune(model, 0.5)
    masks = masking.get_masks(model)
    assert np.array_equal(masks["layers/dense/kernel"].ravel(), np.arange(1, 13) > 10)
    assert masks["layers/dense_1/kernel"].all()
    assert (report.kept, report.prunable, report.total) == (10, 20, 26)
    assert report.sparsity == 0.5
    stored = masking.get_weights(model)["layers/dense/kernel"]
    assert np.array_equal(stored.ravel(), np.where(np.arange(1, 13) > 10, np.arange(1, 13), 0))


def test_sparsity_is_absolute_and_scope_is_passed_on():
    model = counted()
    toolkit.prune(model, 0.25, scope="layer")
    masks = masking.get_masks(model)
    assert [int(mask.sum()) for mask in masks.values()] == [9, 6]
    toolkit.prune(model, 0.5, scope="layer")
    assert [int(mask.sum()) for mask in masking.get_masks(model).values()] == [6, 4]
    with pytest.raises(LotteryError):
        toolkit.prune(model, 0.25)
    with pytest.raises(LotteryError, match="criterion"):
        toolkit.prune(model, 0.6, criterion="magnitud")


def test_a_dry_run_changes_nothing():
    model = counted()
    kind, weights = type(model), masking.get_weights(model)
    report = toolkit.prune(model, 0.5, dry_run=True)
    assert report.kept == 10
    assert type(model) is kind and not masking.is_masked(model)
    assert all(np.array_equal(w, weights[p]) for p, w in masking.get_weights(model).items())
    toolkit.mask(model, include="*/dense/*")
    assert toolkit.prune(model, 0.5, dry_run=True).kept == 6
    assert all(mask.all() for mask in masking.get_masks(model).values())


def test_only_masked_layers_are_pruned():
    model = toolkit.mask(counted(), include="*/dense_1/*")
    toolkit.prune(model, 0.5)
    assert masking.get_masks(model).keys() == {"layers/dense_1/kernel"}
    assert toolkit.summary(model).kept == 4


def test_the_summary_says_what_is_kept_and_why_the_rest_is_not_masked():
    class Unknown(L.Layer):
        def build(self, shape):
            self.w = self.add_weight(shape=(2,))

        def call(self, x):
            return x + self.w

    model = keras.Sequential([keras.Input((3,)), L.Dense(4), L.Dense(2), Unknown()])
    toolkit.mask(model, exclude="*/dense_1/*")
    masking.set_masks(model, {"layers/dense/kernel": np.arange(12).reshape(3, 4) < 3})
    summary = toolkit.summary(model)
    rows = {row.path: row for row in summary.rows}
    assert (rows["layers/dense/kernel"].kept, rows["layers/dense/kernel"].density) == (3, 0.25)
    assert "register_prunable(Unknown" in rows["layers/unknown/w"].reason
    text = str(summary)
    assert "kept 3 of 12 prunable weights (25.00%; sparsity 75.00%), 19 of 28 in all" in text
    assert "register_prunable(Unknown" in text and "biases=False" in text


def test_mean_gradients_are_means_and_leave_the_model_alone(mlp, data, compiled):
    model = compiled(mlp(kernel_regularizer="l2"), "adam")
    before = masking.get_weights(model)
    seeds = {
        p: keras.ops.convert_to_numpy(v.value) for p, v in masking.seed_generators(model).items()
    }
    keras.utils.set_random_seed(1)  # torch draws dropout from its own generator
    once = derive("gradient", model, *data)
    assert all(np.array_equal(w, before[p]) for p, w in masking.get_weights(model).items())
    for path, variable in masking.seed_generators(model).items():
        assert np.array_equal(keras.ops.convert_to_numpy(variable.value), seeds[path])
    keras.utils.set_random_seed(1)
    again = derive("gradient", model, *data)
    assert all(np.array_equal(g, again[p]) for p, g in once.items())
    assert all(np.any(g != 0) for p, g in once.items() if p.endswith("kernel"))


def test_mean_gradients_equal_the_step_of_plain_descent(data, compiled):
    model = keras.Sequential([keras.Input((6,)), L.Dense(3, kernel_regularizer="l2")])
    compiled(model, keras.optimizers.SGD(1.0))
    before = masking.get_weights(model)
    found = derive("gradient", model, *data, batch_size=8)
    model.fit(*data, batch_size=32, verbose=0)
    after = masking.get_weights(model)
    for path, gradient in found.items():
        np.testing.assert_allclose(before[path] - after[path], gradient, rtol=1e-4, atol=1e-6)


def test_a_criterion_that_needs_gradients_says_so(monkeypatch, mlp, data, compiled):
    from keras_lottery import pruning

    needy = pruning.Criterion(
        lambda inputs: pruning.Score(inputs.gradient, absolute=True), frozenset({"gradient"})
    )
    entries = {**pruning.criteria._entries, "by_gradient": needy}
    monkeypatch.setattr(pruning.criteria, "_entries", entries)
    model = mlp()
    with pytest.raises(LotteryError, match=r"data=\(x, y\)"):
        toolkit.prune(model, 0.5, criterion="by_gradient")
    with pytest.raises(LotteryError, match="compile"):
        toolkit.prune(model, 0.5, criterion="by_gradient", data=data)
    compiled(model)
    assert toolkit.prune(model, 0.5, criterion="by_gradient", data=data).sparsity == pytest.approx(
        0.5, abs=0.02
    )


def test_weights_without_gradients_are_named(mlp, data, compiled):
    learned = compiled(toolkit.mask(mlp(), parametrization="edge_popup"))
    with pytest.raises(LotteryError, match=r"whose masks are learned.*kl\.strip"):
        toolkit.prune(learned, 0.6, criterion="snip", data=data)
    frozen = compiled(mlp())
    frozen.layers[1].trainable = False
    with pytest.raises(LotteryError, match=r"layers/dense/kernel.*frozen: exclude them"):
        toolkit.prune(frozen, 0.6, criterion="snip", data=data, include="*")


def test_a_kernel_without_weights_is_left_alone():
    model = keras.Sequential([keras.Input((0,)), keras.layers.Dense(4), keras.layers.Dense(4)])
    toolkit.prune(model, pattern="2:4")
    assert sum(int(mask.sum()) for mask in masking.get_masks(model).values()) == 8
