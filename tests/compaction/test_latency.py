"""Latencies of models; the tests assert no times."""

import keras
import numpy as np
import pytest

from keras_lottery.compaction.latency import latencies

pytestmark = pytest.mark.backend
L = keras.layers


def test_every_model_runs_on_inputs_of_the_batch_size():
    words, numbers = (
        keras.Input((None,), dtype="int32", name="words"),
        keras.Input((4,), name="numbers"),
    )
    shapes = []

    class Watch(L.Layer):
        def call(self, inputs):
            shapes.append(tuple(inputs.shape))
            return inputs

    y = L.LSTM(3)(Watch()(L.Embedding(5, 2)(words)))
    model = keras.Model(
        {"words": words, "numbers": numbers}, L.Dense(2)(L.Concatenate()([y, numbers]))
    )
    models = [model, keras.models.clone_model(model)]
    shapes.clear()
    seconds = latencies(models, 3)
    assert len(seconds) == 2 and np.isfinite(seconds).all() and min(seconds) > 0
    assert set(shapes) - {(2, 8, 2)} == {(3, 8, 2)}  # two examples are traced
