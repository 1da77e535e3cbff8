"""Which log tickets are compared by, and which of its values are better."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from keras_lottery.errors import LotteryError
from keras_lottery.search import TicketHistory
from keras_lottery.search.metric import choose_metric, higher_is_better
from keras_lottery.types import Start, Training, TrainingResult


def one_output(*metrics, loss="mse"):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(loss=loss, metrics=list(metrics))
    return model


def logs(model, outputs=1):
    y = np.zeros((2, 1)) if outputs == 1 else [np.zeros((2, 1))] * outputs
    names = model.test_on_batch(np.ones((2, 2)), y, return_dict=True)
    return [*names, *(f"val_{name}" for name in names)]


def score(y_true, y_pred):
    return keras.ops.mean(y_pred)


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        *((n, False) for n in ("msle", "mape", "mae", "mse", "binary_crossentropy", "hinge")),
        *((n, False) for n in ("sparse_categorical_crossentropy", "kl_divergence", "poisson")),
        *((n, False) for n in (keras.losses.huber, keras.losses.log_cosh)),
        *((n, True) for n in ("accuracy", "cosine_similarity", "r2_score")),
        *((n, True) for n in (keras.metrics.AUC(name="my_error"), keras.metrics.F1Score())),
        (keras.metrics.MeanSquaredError(name="my_score"), False),
        (score, None),
    ],
)
def test_keras_knows_which_values_are_better(metric, expected):
    loss = "sparse_categorical_crossentropy" if "sparse" in str(metric) else "mse"
    model = one_output(metric, loss=loss)
    chosen = choose_metric(model, logs(model))
    assert chosen.startswith("val_") and not chosen.endswith("loss")
    assert higher_is_better(model, chosen) is expected


def test_two_outputs_without_metrics_are_compared_by_their_total_loss():
    inputs = keras.Input((2,))
    model = keras.Model(inputs, [keras.layers.Dense(1, name=name)(inputs) for name in "ab"])
    model.compile(loss=["mse", "mae"])
    names = logs(model, outputs=2)
    assert {"val_a_loss", "val_b_loss"} < set(names)
    assert choose_metric(model, names) == "val_loss"
    assert higher_is_better(model, "val_loss") is False
    model.compile(loss=["mse", "mae"], metrics=[["mse"], ["cosine_similarity"]])
    names = logs(model, outputs=2)
    assert choose_metric(model, names) == "val_a_mse"
    assert higher_is_better(model, "val_b_cosine_similarity") is True


def test_logs_of_callbacks_are_no_metrics():
    model = one_output()
    assert choose_metric(model, [*logs(model)[:1], "sparsity"]) == "loss"


def history(values, higher, metric="score", arm="winning"):
    trainings = [Training("", "search", 0, 0, "dense")]
    trainings += [Training("", "search", 0, r, arm) for r in range(1, len(values))]
    results = {
        training: TrainingResult({}, None, 1, 0.0, 0.0, {metric: value}, {metric: value}, 1, metric)
        for training, value in zip(trainings, values, strict=True)
    }
    return TicketHistory(results, dict.fromkeys(trainings, Start({})), metric, higher)


def test_the_best_round_is_the_last_as_good_as_dense():
    values = [0.5, 0.6, 0.55, 0.4]
    assert history(values, True).best_round() == 2
    assert history(values, False).best_round() == 3
    with pytest.raises(LotteryError, match=r"'score'. Pass higher_is_better=True or False"):
        history(values, None).best_round()
    assert history(values, None).best_round(higher_is_better=True) == 2


def test_the_best_round_of_a_search_without_winning_tickets():
    made = history([0.5, 0.6, 0.55, 0.4], True, arm="one_shot")
    assert made.best_round(arm="one_shot") == 2
    assert made.best(arm="one_shot").provenance["arm"] == "one_shot"
    with pytest.raises(LotteryError, match=r"arm.*'winning'.*one_shot"):
        made.best_round()


def test_the_first_seed_is_the_first_one_given():
    made = history([0.5], True)
    result, start = made.results.popitem()[1], made.starts.popitem()[1]
    trainings = [Training("", "search", seed, 0, "dense") for seed in (5, 1)]
    several = TicketHistory(
        dict.fromkeys(trainings, result), dict.fromkeys(trainings, start), "score", True
    )
    assert several.seeds == [5, 1]
    assert several.ticket(0).provenance["seed"] == 5


def test_a_round_that_diverged_is_never_the_best():
    made = history([0.5, 0.6, 0.55, 0.7], True)
    last = list(made.results)[-1]
    made.results[last] = replace(made.results[last], status="diverged")
    assert made.best_round() == 2
    assert str(made).count("diverged") == 1 and "0.7" not in str(made)


def test_an_arm_that_was_not_trained_is_named():
    with pytest.raises(LotteryError, match=r"arm.*'wining'.*Did you mean 'winning'"):
        history([0.5, 0.6], True).values("wining")
    assert history([0.5, 0.6], True).values("dense") == {0: 0.5}
