"""Settings and labels that Keras accepts and that mean nothing are refused before training."""

import keras
import numpy as np
import pytest

from keras_lottery import training
from keras_lottery.errors import LotteryError
from keras_lottery.training.checks import check_labels
from tests.training import made
from tests.training.kinds import Batches

X, Y = made.blobs()
SPARSE = keras.losses.SparseCategoricalCrossentropy


@pytest.fixture(scope="module")
def model():
    return made.compiled(made.network())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"validation_freq": 0}, "validation_freq, a whole number from 1. Received: 0"),
        ({"validation_freq": [1, 0]}, "validation_freq.*Received: 0"),
        ({"validation_freq": "2"}, "validation_freq.*Received: '2'"),
        ({"seed": -1}, "seed, a whole number from 0 .*Received: -1"),
        ({"seed": 0.5}, "seed.*Received: 0.5"),
        ({"initial_step": -2}, "initial_step.*Received: -2"),
        ({"validation_split": 0.999}, "both parts of 120. Received: 0.999"),
        (
            {"y": np.where(Y == 2, 3, Y)},
            "from 0 to 2, since the output has 3 units.*such as 3",
        ),
        ({"y": Y - 1}, "such as -1"),
        ({"validation_data": (X, Y + 1)}, "such as 3"),
        ({"x": Batches(X, Y)}, "Expected y with arrays only. Received: y and x, a Batches"),
        ({"x": X.tolist()}, r"Expected x as arrays, like y. Received: a list.*np.asarray"),
        ({"x": Batches(X, Y), "y": None, "validation_split": 0.5}, "pass held-out data"),
        ({"y": np.where(Y == 2, np.nan, Y)}, "such as nan"),
        ({"y": Y / 2}, "such as 0.5"),
        ({"y": Y.astype(str)}, "integer labels, since the output .*Received: <U"),
        ({"y": Y.astype(object)}, "integer labels.*Received: object"),
        ({"class_weight": {0: 1, 1: 1, 2: np.nan}}, "class_weight of 2, a finite .*nan"),
        ({"y": list(Y)}, "Expected y as arrays.*Received: list"),
    ],
)
def test_mistakes_are_named(model, settings, message):
    with pytest.raises(LotteryError, match=message):
        training.fit(model, **{"x": X, "y": Y, "verbose": 0} | settings)


def test_labels_that_the_loss_leaves_out_are_not_looked_at():
    padded = np.array([0, 1, -1])
    model = made.network()
    with pytest.raises(LotteryError, match="1 others, such as -1"):
        check_labels(made.compiled(model), X[:3], padded)
    check_labels(model, X[:3], padded, np.array([1, 1, 0]))
    model.compile(loss=SPARSE(from_logits=True, ignore_class=-1))
    check_labels(model, X[:3], padded)
    model.compile(loss="mse")
    check_labels(model, X[:3], padded)


@pytest.mark.parametrize("nesting", [dict, list])
def test_each_output_has_labels_of_its_own(nesting):
    inputs = keras.Input((6,))
    outputs = {name: keras.layers.Dense(n, name=name)(inputs) for name, n in (("a", 2), ("b", 4))}
    y = {"a": Y % 2, "b": Y + 2}
    losses = {"a": "sparse_categorical_crossentropy", "b": SPARSE()}
    if nesting is list:
        outputs, y, losses = (list(of.values()) for of in (outputs, y, losses))
    model = keras.Model(inputs, outputs)
    model.compile(loss=losses)
    name = "'b'" if nesting is dict else "1"
    with pytest.raises(LotteryError, match=f"since output {name} has 4 units.*such as 4"):
        check_labels(model, X, y)
    y["b" if nesting is dict else 1] = Y + 1
    check_labels(model, X, y)


def test_a_model_that_is_not_built_is_checked_too():
    model = keras.Sequential([keras.layers.Dense(3)])
    model.compile(loss="sparse_categorical_crossentropy")
    with pytest.raises(LotteryError, match="such as 3"):
        training.fit(model, X, Y + 1, verbose=0)


def test_classes_may_be_on_another_axis_than_the_last():
    inputs = keras.Input((6,))
    model = keras.Model(inputs, keras.layers.Reshape((5, 4))(keras.layers.Dense(20)(inputs)))
    model.compile(loss=SPARSE(from_logits=True, axis=1))
    labels = np.full((3, 4), 4)
    check_labels(model, X[:3], labels)
    with pytest.raises(LotteryError, match=r"from 0 to 4, since .* 5 units"):
        check_labels(model, X[:3], labels + 1)
