"""Learned masks: scores are trained, every weight and bias keeps its value bit for bit."""

import keras
import numpy as np
import pytest

import keras_lottery as kl
from keras_lottery import masking, pruning, toolkit
from keras_lottery.errors import LotteryError
from keras_lottery.masking.parametrizations import parametrizations
from keras_lottery.masking.parametrizations.edge_popup import largest

pytestmark = pytest.mark.backend

LEARNED = [name for name in parametrizations if parametrizations[name].learned]
opt = keras.optimizers
SCORES = {"layers/dense/kernel": (6, 5), "layers/dense_1/kernel": (5, 4)}


def to_numpy(value):
    return np.array(keras.ops.convert_to_numpy(value))


def score_values(model):
    return [to_numpy(score.value) for score in masking.scores(model)]


def assert_only_scores_move(model, data):
    before, scores = masking.get_weights(model), score_values(model)
    model.fit(*data, batch_size=8, epochs=3, verbose=0)
    after = masking.get_weights(model)
    for path, value in before.items():
        if "moving_" not in path:
            np.testing.assert_array_equal(value, after[path], err_msg=path)
    assert all((a != b).any() for a, b in zip(scores, score_values(model)))


@pytest.mark.parametrize("name", LEARNED)
def test_only_scores_move(name, two_layers, data, compiled):
    optimizer = opt.SGD(1.0, momentum=0.9, weight_decay=0.1)
    model = compiled(toolkit.mask(two_layers(), parametrization=name), optimizer)
    assert [tuple(v.shape) for v in model.trainable_variables] == [(6, 5), (5, 3)]
    assert_only_scores_move(model, data)


@pytest.mark.parametrize("name", ["edge_popup", "bernoulli"])
def test_weight_decay_and_batch_norm_move_only_scores(name, mlp, data, compiled):
    model = toolkit.mask(mlp(), parametrization=name)
    assert [tuple(v.shape) for v in model.trainable_variables] == [(6, 5), (5, 4), (4, 3)]
    assert_only_scores_move(compiled(model, opt.AdamW(0.1, weight_decay=0.1)), data)


@pytest.mark.parametrize("name", LEARNED)
def test_a_training_again_from_the_same_seeds_is_the_same(name, two_layers, data, compiled):
    found = []
    for _ in range(2):
        keras.utils.set_random_seed(3)
        model = compiled(toolkit.mask(two_layers(), parametrization=name), opt.SGD(1.0))
        masking.draw_scores(model, 5)
        model.fit(*data, batch_size=8, epochs=2, verbose=0, shuffle=False)
        found.append(score_values(model))
    for one, other in zip(*found):
        np.testing.assert_array_equal(one, other)


def test_scores_drawn_from_a_seed_are_the_same_everywhere(mlp):
    model = toolkit.mask(mlp(), parametrization="edge_popup")
    masking.draw_scores(model, 1)
    first = score_values(model)[0]
    assert first.ravel()[:2] == pytest.approx(np.float32([0.298087, -0.269013]), abs=1e-4)
    assert np.abs(first).max() <= 6**-0.5
    masking.draw_scores(model, 2)
    assert (first != score_values(model)[0]).any()


@pytest.mark.parametrize("count", [0, 1, 3, 7, 11, 12])
def test_exactly_k_are_chosen_where_scores_tie(count):
    values = np.float32([2, 0, 1, 1, 1, 3e-42, 1, 0, 5, 1, 1e30, 1]).reshape(3, 4)
    full = np.ones_like(values, bool)
    expected = pruning.cut({"w": pruning.Score(values)}, {"w": full}, 12 - count)["w"]
    found = to_numpy(largest(keras.ops.convert_to_tensor(values), np.int32(count)))
    np.testing.assert_array_equal(found, expected)
    assert found.sum() == count


def test_edge_popup_keeps_its_fraction_of_every_variable_and_prune_changes_it(mlp, data, compiled):
    model = toolkit.mask(mlp(), parametrization="edge_popup", keep=0.3)
    assert [(row.kept, row.size) for row in kl.summary(model).rows if row.prunable] == [
        (9, 30), (6, 20), (4, 12),
    ]  # fmt: skip
    kl.prune(model, 0.9, scope="layer", criterion="random")
    compiled(model, opt.SGD(1.0)).fit(*data, batch_size=8, epochs=2, verbose=0)
    assert kl.summary(model).kept == 62 - 55
    for path, kept in masking.get_masks(model).items():
        used = masking.effective_weights(model)[path]
        np.testing.assert_array_equal(used != 0, kept)


def test_edge_popup_is_its_paper_on_a_layer_that_is_worked_out_by_hand():
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(2, use_bias=False)(inputs))
    w = np.float32([[1, -2], [3, 4], [-5, 6]])
    s = np.float32([[0.1, -0.9], [-0.5, 0.2], [0.4, 0.3]])
    x, y = np.float32([[1, 2, 3]]), np.float32([[1, -1]])
    toolkit.mask(model, parametrization="edge_popup", keep=0.5)
    masking.set_weights(model, {"layers/dense/kernel": w})
    (score,) = masking.scores(model)
    score.assign(s)
    kept = np.array([[0, 1], [1, 0], [1, 0]], bool)
    np.testing.assert_array_equal(masking.get_masks(model)["layers/dense/kernel"], kept)
    out = x @ (w * kept)
    np.testing.assert_allclose(to_numpy(model(x)), out, rtol=1e-6)
    model.compile(opt.SGD(0.01), "mse")
    model.train_on_batch(x, y)
    gradient = x.T @ (out - y)  # the mean over two outputs, times 2
    np.testing.assert_allclose(to_numpy(score), s - 0.01 * gradient * w * np.sign(s), rtol=1e-4)


@pytest.mark.parametrize(("name", "rescaled"), [("bernoulli", False), ("bernoulli_rescaled", True)])
def test_the_expected_supermask_is_its_paper_by_hand(name, rescaled):
    inputs = keras.Input((2,))
    model = keras.Model(inputs, keras.layers.Dense(2, use_bias=False)(inputs))
    w = np.float32([[1, -2], [3, 4]])
    s = np.float32([[0.5, -1.0], [0.0, 2.0]])
    x, y = np.float32([[1, 2]]), np.float32([[1, -1]])
    toolkit.mask(model, parametrization=name)
    masking.set_weights(model, {"layers/dense/kernel": w})
    masking.set_mode(model, "expected")
    (score,) = masking.scores(model)
    score.assign(s)
    p = 1 / (1 + np.exp(-s))
    scale = 4 / p.sum() if rescaled else 1
    out = x @ (w * p) * scale
    np.testing.assert_allclose(to_numpy(model(x)), out, rtol=1e-5)
    model.compile(opt.SGD(0.1), "mse")
    model.train_on_batch(x, y)
    gradient = x.T @ (out - y) * w * scale
    np.testing.assert_allclose(to_numpy(score), s - 0.1 * gradient * p * (1 - p), rtol=1e-4)
    masking.set_mode(model, "threshold")
    kept = np.array([[1, 0], [1, 1]])
    score.assign(s)
    factor = 4 / 3 if rescaled else 1
    np.testing.assert_allclose(to_numpy(model(x)), x @ (w * kept) * factor, rtol=1e-5)


def test_a_supermask_is_sampled_at_every_use_with_its_probabilities(data):
    x, _ = data
    inputs = keras.Input((6,))
    model = keras.Model(inputs, keras.layers.Dense(40, use_bias=False)(inputs))
    toolkit.mask(model, parametrization="bernoulli")
    masking.scores(model)[0].assign(np.full((6, 40), np.log(3), np.float32))
    masking.set_weights(model, {"layers/dense/kernel": np.ones((6, 40), np.float32)})
    one, other = (to_numpy(model(np.eye(6, dtype=np.float32))) for _ in "ab")
    assert set(np.unique(one)) == {0.0, 1.0} and (one != other).any()
    assert one.mean() == pytest.approx(0.75, abs=0.1)
    assert (model.predict(x, verbose=0) != model.predict(x, verbose=0)).any()


def test_a_mask_bounds_what_a_supermask_draws_and_leaves_the_weights(mlp, random_masks):
    model = toolkit.mask(mlp(), parametrization="bernoulli")
    weights, masks = masking.get_weights(model), random_masks(model)
    masking.set_masks(model, masks)
    after = masking.get_weights(model)
    assert all((weights[p] == after[p]).all() for p in weights)
    assert all((kept == masks[p]).all() for p, kept in masking.get_masks(model).items())
    assert all(not masking.effective_weights(model)[p][~kept].any() for p, kept in masks.items())


@pytest.mark.parametrize("name", LEARNED)
def test_the_plain_model_computes_what_the_learned_one_does(name, mlp, data, compiled):
    model = compiled(toolkit.mask(mlp(), parametrization=name), opt.SGD(3.0))
    model.fit(*data, batch_size=8, epochs=2, verbose=0)
    if name.startswith("bernoulli"):
        masking.set_mode(model, "threshold")
    plain = kl.strip(model)
    x = data[0]
    np.testing.assert_allclose(to_numpy(plain(x)), to_numpy(model(x)), rtol=1e-5, atol=1e-6)
    kept = kl.summary(model).kept
    kernels = [layer.kernel for layer in plain.layers if hasattr(layer, "kernel")]
    assert sum(np.count_nonzero(to_numpy(k)) for k in kernels) == kept < 62
    assert len(plain.trainable_variables) == 8


def test_files_load_in_a_fresh_process_and_go_on(two_layers, data, compiled, tmp_path, run_python):
    kept = {}
    for name in LEARNED:
        model = toolkit.mask(two_layers(), parametrization=name)
        compiled(model, opt.SGD(1.0, momentum=0.9))
        model.fit(*data, batch_size=8, epochs=1, verbose=0)
        if name.startswith("bernoulli"):
            masking.set_mode(model, "threshold")
        model.save(tmp_path / f"{name}.keras")
        kept[name] = kl.summary(model).kept
        np.savez(tmp_path / f"{name}.npz", x=data[0], y=data[1], out=to_numpy(model(data[0])))
    code = """if True:
        import sys, numpy as np, keras, keras_lottery as kl
        from keras_lottery import masking
        for name in sys.argv[2:]:
            model = keras.saving.load_model(f"{sys.argv[1]}/{name}.keras")
            d = np.load(f"{sys.argv[1]}/{name}.npz")
            out = keras.ops.convert_to_numpy(model(d["x"]))
            np.testing.assert_allclose(out, d["out"], rtol=1e-5, atol=1e-6)
            before = masking.get_weights(model)
            assert len(model.trainable_variables) == 2
            print(name, kl.summary(model).kept)
            model.fit(d["x"], d["y"], batch_size=8, verbose=0)
            after = masking.get_weights(model)
            assert all((before[p] == after[p]).all() for p in before)
    """
    printed = run_python(code, tmp_path, *LEARNED).split()
    assert dict(zip(printed[::2], map(int, printed[1::2]))) == kept


def test_a_copy_has_the_scores(mlp):
    model = toolkit.mask(mlp(), parametrization="edge_popup", keep=0.2)
    copy = toolkit.mask(model, parametrization="edge_popup", in_place=False)
    for one, other in zip(score_values(model), score_values(copy)):
        np.testing.assert_array_equal(one, other)
    assert masking.get_masks(copy).keys() == masking.get_masks(model).keys()
    assert kl.summary(copy).kept == kl.summary(model).kept


def test_the_wrapper_learns_only_its_layer(data, compiled):
    inputs = keras.Input((6,))
    hidden = kl.Masked(keras.layers.Dense(4), parametrization="edge_popup", keep=0.25)(inputs)
    model = compiled(keras.Model(inputs, keras.layers.Dense(3)(hidden)), opt.SGD(1.0))
    assert [tuple(v.shape) for v in model.trainable_variables] == [(6, 4), (4, 3), (3,)]
    assert masking.get_masks(model)["layers/dense/kernel"].sum() == 6
    model.fit(*data, batch_size=8, verbose=0)
    again = keras.Model.from_config(model.get_config())
    assert masking.get_masks(again)["layers/dense/kernel"].sum() == 6


@pytest.mark.parametrize("keep", [0, 1, -0.1, 1.5])
def test_a_fraction_of_nothing_or_all_is_an_error(keep, mlp):
    with pytest.raises(LotteryError, match=rf"above 0 and below 1. Received: {keep}"):
        toolkit.mask(mlp(), parametrization="edge_popup", keep=keep)
    with pytest.raises(LotteryError, match="above 0 and below 1"):
        kl.Masked(keras.layers.Dense(2), parametrization="edge_popup", keep=keep)


def test_errors_of_learned_masks(mlp, data, compiled):
    with pytest.raises(LotteryError, match=r"keep only with .* 'edge_popup'"):
        toolkit.mask(mlp(), keep=0.5)
    with pytest.raises(LotteryError, match="from_zeros=True only without learned masks"):
        toolkit.mask(mlp(), parametrization="edge_popup", from_zeros=True)
    model = compiled(mlp())
    model.fit(*data, verbose=0)
    with pytest.raises(LotteryError, match=r"which has been trained. Mask a plain copy"):
        toolkit.mask(model, parametrization="edge_popup")
    with pytest.raises(LotteryError, match="bernoulli"):
        masking.set_mode(toolkit.mask(mlp(), parametrization="edge_popup"), "sample")
    learned = toolkit.mask(mlp(), parametrization="bernoulli")
    with pytest.raises(LotteryError, match="Known: expected, sample, threshold"):
        masking.set_mode(learned, "mean")
    with pytest.raises(LotteryError, match="Strip the model first"):
        toolkit.mask(learned, parametrization="edge_popup")


def test_switching_training_off_and_on_leaves_only_the_scores_trainable(mlp):
    model = toolkit.mask(mlp(), parametrization="edge_popup")
    shapes = [tuple(v.shape) for v in model.trainable_variables]
    model.trainable = False
    assert not model.trainable and not model.trainable_variables
    model.trainable = True
    assert model.trainable and [tuple(v.shape) for v in model.trainable_variables] == shapes
