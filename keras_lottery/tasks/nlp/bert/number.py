"""Sentences and pairs with a number each, such as their similarity."""

import keras

from keras_lottery.tasks.nlp.bert.classes import build, read
from keras_lottery.tasks.nlp.bert.kind import Kind
from keras_lottery.tasks.nlp.bert.metrics import Pearson


def loss() -> keras.losses.Loss:
    """Returns the squared error."""
    return keras.losses.MeanSquaredError()


def metrics(outputs: int) -> list[keras.metrics.Metric]:
    """Returns Pearson's correlation."""
    return [Pearson()]


KIND = Kind(read, build, loss, metrics)
