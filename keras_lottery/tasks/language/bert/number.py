"""Sentences and pairs with a number each, such as their similarity."""

import keras

from keras_lottery.tasks.language.bert.classes import build, read
from keras_lottery.tasks.language.bert.metrics import Pearson
from keras_lottery.tasks.language.bert.problem import Kind


def loss() -> keras.losses.Loss:
    """Returns the squared error."""
    return keras.losses.MeanSquaredError()


def metrics(outputs: int) -> list[keras.metrics.Metric]:
    """Returns Pearson's correlation."""
    return [Pearson()]


KIND = Kind(read, build, loss, metrics)
