"""Metrics of whole sets, gathered batch by batch."""

import keras
import numpy as np
import pytest

from keras_lottery.tasks.language.bert.metrics import Confusion, Pearson

pytestmark = pytest.mark.backend


def over_batches(metric, y, answers):
    for at in range(0, len(y), 7):
        metric.update_state(y[at : at + 7], answers[at : at + 7])
    return float(metric.result())


@pytest.mark.parametrize("score", ["matthews", "f1"])
def test_scores_of_two_classes_are_computed_over_the_whole_set(score):
    import sklearn.metrics

    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 50).astype("int32")
    logits = rng.normal(size=(50, 2)).astype("float32") + np.eye(2)[y].astype("float32")
    said = logits.argmax(axis=1)
    right = {"matthews": sklearn.metrics.matthews_corrcoef, "f1": sklearn.metrics.f1_score}
    assert over_batches(Confusion(score), y, logits) == pytest.approx(right[score](y, said), 1e-5)
    assert over_batches(Confusion(score), y, np.zeros_like(logits)) == 0  # one class alone


def test_the_correlation_is_computed_over_the_whole_set():
    rng = np.random.default_rng(0)
    y = rng.uniform(0, 5, 50).astype("float32")
    answers = (y + rng.normal(size=50)).astype("float32")[:, None]
    assert over_batches(Pearson(), y, answers) == pytest.approx(
        np.corrcoef(y, answers[:, 0])[0, 1], 1e-4
    )
    assert over_batches(Pearson(), y, np.zeros_like(answers)) == 0


@pytest.mark.parametrize("metric", [Confusion("f1"), Pearson()])
def test_they_are_made_again_from_their_config(metric):
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert again.get_config() == metric.get_config()
