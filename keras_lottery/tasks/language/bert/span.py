"""Questions whose answer is a span of a context."""

from typing import Any

import keras

from keras_lottery.tasks.language.bert.config import BertData
from keras_lottery.tasks.language.bert.metrics import KnownAccuracy
from keras_lottery.tasks.language.bert.problem import Examples, Kind, chosen, find_file, held_out
from keras_lottery.tasks.language.bert.squad import read_questions, scores, spoken, windows
from keras_lottery.tasks.language.bert.tokens import Encoder
from keras_lottery.training import ArrayData


def read(data: BertData, encoder: Encoder) -> Examples:
    """Reads both files and cuts the contexts into windows.

    Raises:
        LotteryError: a file is missing, or isn't in the format of SQuAD v1.1.
    """
    train = find_file(data, data.train, ("train-v1.1.json", "train.json"), "data.train")
    test = find_file(data, data.test, ("dev-v1.1.json", "dev.json"), "data.test")
    asked, tested = read_questions(train), read_questions(test)
    used, _ = held_out(len(asked), data)
    measured = chosen(len(tested), data.test_size, data.split_seed)
    x, y, _ = windows([asked[i] for i in used], encoder, data.stride)
    questions = [tested[i] for i in measured]
    x_test, y_test, test_windows = windows(questions, encoder, data.stride)

    def judge(logits: Any) -> dict[str, float]:
        return scores(spoken(logits, test_windows, questions), questions)

    arrays = ArrayData(train=(x, y), validation=None, test=(x_test, y_test))
    return Examples(arrays, outputs=2, judge=judge)


def build(backbone: keras.Model, outputs: int, dropout: float) -> keras.Model:
    """Returns the backbone with a dense layer that gives each position two logits.

    The pooler is part of the network, so that masks can be exchanged, but gets no gradient.
    """
    backbone.pooled_dense.trainable = False
    x = backbone(backbone.input)["sequence_output"]
    x = keras.layers.Dropout(dropout)(x)
    initializer = keras.initializers.TruncatedNormal(stddev=0.02)
    x = keras.layers.Dense(outputs, kernel_initializer=initializer, name="logits")(x)
    return keras.Model(backbone.input, keras.layers.Permute((2, 1))(x))


def loss() -> keras.losses.Loss:
    """Returns the mean cross-entropy of the answer's first and last position."""
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def metrics(outputs: int) -> list[keras.metrics.Metric]:
    """Returns the accuracy of first and last positions, by window."""
    return [KnownAccuracy("positions")]


SPAN = Kind(read, build, loss, metrics)
