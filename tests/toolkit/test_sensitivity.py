"""The loss with one layer pruned at a time, on models whose answer is known."""

import keras
import numpy as np
import pytest

import keras_lottery as kl
from keras_lottery.errors import LotteryError

X = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)


class Counted(keras.layers.Layer):
    """Passes its input on, and counts how often it is traced."""

    traces = 0

    def call(self, inputs):
        Counted.traces += 1
        return inputs


@pytest.fixture
def model():
    """y = (x · [[1, 0], [0, 3]]) · [[2], [1]], exactly."""
    layers = [
        keras.Input((2,)),
        keras.layers.Dense(2, use_bias=False, name="first"),
        Counted(),
        keras.layers.Dense(1, use_bias=False, name="last"),
    ]
    made = keras.Sequential(layers)
    made.set_weights([np.array([[1, 0.5], [0.25, 3]]), np.array([[2.0], [1.0]])])
    made.compile("sgd", "mse", metrics=["mae"])
    return made


def targets(first, last):
    return X @ np.array(first) @ np.array(last)


@pytest.mark.backend
def test_each_layer_alone(model):
    y = targets([[1, 0.5], [0.25, 3]], [[2.0], [1.0]])
    table = kl.sensitivity(model, (X, y), sparsities=(0.5, 0.75))
    assert [row.size for row in table.rows] == [4, 4, 2, 2]
    half_first = y - targets([[1, 0], [0, 3]], [[2.0], [1.0]])
    half_last = y - targets([[1, 0.5], [0.25, 3]], [[2.0], [0.0]])
    most_first = y - targets([[0, 0], [0, 3]], [[2.0], [1.0]])
    errors = [np.abs(error).mean() for error in (half_first, most_first, half_last, half_last)]
    assert np.allclose(table.values("mae").ravel(), errors, rtol=1e-5)
    assert table.unpruned["loss"] == pytest.approx(0, abs=1e-9)
    assert table.values().shape == (2, 2)


@pytest.mark.backend
def test_examples_have_their_weights(model):
    y = targets([[1, 0.5], [0.25, 3]], [[2.0], [1.0]]) + np.array([[1.0], [3.0]])
    only_first = np.array([2.0, 0.0])
    found = kl.sensitivity(model, (X, y, only_first), sparsities=(0.5,)).unpruned["loss"]
    assert found == pytest.approx(model.evaluate(X, y, sample_weight=only_first, verbose=0)[0])
    assert found != pytest.approx(model.evaluate(X, y, verbose=0)[0])


def test_the_model_stays_and_is_traced_once(model):
    y = targets([[1, 0.5], [0.25, 3]], [[2.0], [1.0]])
    before = model.get_weights()
    kl.sensitivity(model, (X, y), sparsities=(0.5,))
    Counted.traces = 0
    kl.sensitivity(model, (X, y), sparsities=(0.5,))
    few = Counted.traces
    Counted.traces = 0
    kl.sensitivity(model, (X, y), sparsities=(0.25, 0.5, 0.75, 0.9))
    if keras.config.backend() != "torch":  # which runs without traces
        assert few == Counted.traces
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights()))
    assert kl.get_masks(model) == {}


@pytest.mark.backend
def test_masks_that_are_there_stay(model):
    masked = kl.mask(model)
    kl.prune(masked, sparsity=0.5, include="*/first/*")
    y = masked.predict(X, verbose=0)
    table = kl.sensitivity(masked, (X, y), sparsities=(0.25, 0.75))
    assert table.values()[0, 0] == pytest.approx(0, abs=1e-9)  # it is sparser already
    assert table.values()[0, 1] > 0


@pytest.mark.backend
def test_coupled_channels_are_one_row():
    inputs = keras.Input((6,))
    first = keras.layers.Dense(4)(inputs)
    second = keras.layers.Dense(4)(keras.layers.Dense(3, activation="relu")(first))
    model = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Add()([first, second])))
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(8, 6)).astype(np.float32)
    data = x, x[:, :1]
    table = kl.sensitivity(model, data, sparsities=(0.5,), pattern="channels")
    assert table.layers == ("layers/dense + layers/dense_2", "layers/dense_1")
    for names, value in zip((["dense", "dense_2"], ["dense_1"]), table.values()[:, 0], strict=True):
        alone = keras.models.clone_model(model)
        alone.set_weights(model.get_weights())
        alone.compile("sgd", "mse")
        kl.prune(alone, 0.5, pattern="channels", include=[f"layers/{name}/*" for name in names])
        assert value == pytest.approx(alone.evaluate(*data, verbose=0), rel=1e-5)
    assert table.values()[0, 0] != table.values()[1, 0]


def test_data_that_cannot_be_measured_on():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    labels = np.array([0, 2])
    for data, said in (
        (None, r"read repeatedly\. Received: NoneType"),
        (iter([(X, labels)]), r"read repeatedly\. Received: list_iterator"),
        ((X, labels[:1]), r"Received lengths: \[1, 2\]"),
        ((X, labels + 1), r"Received: .*3"),
    ):
        with pytest.raises(LotteryError, match=said):
            kl.sensitivity(model, data)
    for y, said in ((labels[:1], r"Received lengths: \[1, 2\]"), (labels + 1, r"Received: .*3")):
        with pytest.raises(LotteryError, match=said):
            kl.prune(model, 0.5, criterion="snip", data=(X, y))


def test_table_and_figure(model):
    table = kl.sensitivity(model, (X, targets(np.eye(2), [[2.0], [1.0]])), sparsities=(0.5, 0.9))
    assert str(table).splitlines()[0].split() == [*["loss", "with", "one", "layer", "pruned"],
                                                  "weights", "50%", "90%"]  # fmt: skip
    frame = table.to_pandas()
    assert list(frame.columns) == ["layer", "sparsity", "size", "loss", "mae"] and len(frame) == 4
    axes = table.plot("mae").axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["first", "last"]
    with pytest.raises(LotteryError, match=r"loss, mae.*Received: 'accuracy'"):
        table.plot("accuracy")


@pytest.mark.parametrize("sparsities", [(), (0,), (1,), (0.5, 0.5), (1.5,), "0.5", 0.5])
def test_impossible_sparsities(model, sparsities):
    with pytest.raises(LotteryError, match=r"Expected.*sparsit"):
        kl.sensitivity(model, (X, X[:, :1]), sparsities=sparsities)


def test_sparsities_out_of_reach_are_refused_before_anything_is_evaluated(model, monkeypatch):
    monkeypatch.setattr(keras.Model, "evaluate", lambda *_, **__: pytest.fail("evaluated"))
    for settings, message in (
        ({"pattern": "1:2"}, "N of every M"),
        ({"criterion": "batch_norm_scale"}, "pattern='channels' with the criterion"),
    ):
        with pytest.raises(LotteryError, match=message):
            kl.sensitivity(model, (X, X), (0.5, 0.8), **settings)


def test_data_without_labels(model):
    with pytest.raises(LotteryError, match=r"Expected data, \(x, y\)"):
        kl.sensitivity(model, X)


def test_a_model_without_a_loss():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    with pytest.raises(LotteryError, match=r"Expected a compiled model.*model\.compile"):
        kl.sensitivity(model, (X, X[:, :1]))


def test_layers_with_the_same_name_have_rows_of_their_own():
    inner = [
        keras.Sequential([keras.Input((4,)), keras.layers.Dense(4, name="proj")]) for _ in range(2)
    ]
    model = keras.Sequential([keras.Input((4,)), *inner, keras.layers.Dense(1, name="head")])
    model.compile("sgd", "mse")
    x = np.ones((3, 4), np.float32)
    table = kl.sensitivity(model, (x, x[:, :1]), sparsities=(0.5,))
    assert len(table.layers) == 3 and table.layers[-1].endswith("head")
    assert [row.size for row in table.rows] == [16, 16, 4]


def test_a_layer_named_like_the_path_of_another_is_left_alone():
    model = keras.Sequential(
        [
            keras.Input((5, 5, 1)),
            keras.layers.Conv2D(4, 3, name="dense"),
            keras.layers.Flatten(),
            keras.layers.Dense(1),
        ]
    )
    model.compile("sgd", "mse", metrics=[keras.metrics.F1Score()])
    x = np.random.default_rng(0).normal(size=(4, 5, 5, 1)).astype("float32")
    y = np.ones((4, 1), np.float32)
    paths = list(kl.get_masks(kl.mask(model, in_place=False)))
    rows = kl.sensitivity(model, (x, y), sparsities=(0.5,)).rows
    for row, path in zip(rows, paths, strict=True):
        pruned = kl.mask(model, in_place=False)
        masks = kl.get_masks(pruned)
        order = np.abs(dict(zip(paths, model.get_weights()[::2], strict=True))[path])
        masks[path] = order >= np.sort(order, axis=None)[order.size // 2]
        kl.set_masks(pruned, masks)
        assert row.values["loss"] == pytest.approx(pruned.evaluate(x, y, verbose=0)[0], rel=1e-5)
        assert "f1_score" not in row.values  # one value per class
