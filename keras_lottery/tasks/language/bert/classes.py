"""Classification and regression of sentences and sentence pairs."""

from collections.abc import Sequence
from pathlib import Path

import keras

from keras_lottery.errors import LotteryError
from keras_lottery.tasks.language.bert.config import BertData
from keras_lottery.tasks.language.bert.glue import (
    Sentences,
    as_classes,
    as_numbers,
    read_tfds,
    read_tsv,
)
from keras_lottery.tasks.language.bert.metrics import Confusion, Pearson
from keras_lottery.tasks.language.bert.pretrained import keras_hub
from keras_lottery.tasks.language.bert.problem import Examples, Kind, chosen, find_file, held_out
from keras_lottery.tasks.language.bert.problems import PROBLEMS
from keras_lottery.tasks.language.bert.tokens import Encoder
from keras_lottery.tasks.tfds import prepared_builder
from keras_lottery.training import ArrayData
from keras_lottery.training.data import Arrays


def read(data: BertData, encoder: Encoder) -> Examples:
    """Reads both splits, holds out validation examples and tokenizes what is used.

    Raises:
        LotteryError: a file or a column is missing, or the task has no such label.
    """
    (train, where), (test, where_test) = _splits(data)
    if bool(train.second) != bool(test.second):
        single = where if test.second else where_test
        raise LotteryError(
            f"Expected pairs of sentences in both files, or in none. Received: single sentences in "
            f"{single}. Name the columns of both files alike."
        )
    names = PROBLEMS[data.name].labels
    numbers = PROBLEMS[data.name].kind == "number"
    if not names and not numbers:
        names = tuple(sorted(set(train.labels)))
    if not numbers and len(names) < 2:
        raise LotteryError(
            f"Expected two classes or more in {where}. Received: {', '.join(names)}. "
            "Check its label column."
        )

    def arrays(split: Sentences, rows: Sequence[int], where: str) -> Arrays:
        first = encoder.tokenize([split.first[row] for row in rows])
        second = encoder.tokenize([split.second[row] for row in rows]) if split.second else ()
        labels = [split.labels[row] for row in rows]
        places = [split.places[row] for row in rows]
        if numbers:
            return encoder.sequences(first, second), as_numbers(labels, where, places)
        return encoder.sequences(first, second), as_classes(labels, names, where, places)

    used, validation = held_out(len(train.first), data)
    tested = chosen(len(test.first), data.test_size, data.split_seed)
    return Examples(
        ArrayData(
            train=arrays(train, used.tolist(), where),
            validation=arrays(train, validation.tolist(), where) if len(validation) else None,
            test=arrays(test, tested.tolist(), where_test),
        ),
        outputs=1 if numbers else len(names),
    )


def _splits(data: BertData) -> tuple[tuple[Sentences, str], ...]:
    """Returns training and test sentences, each with the name of its source."""
    problem = PROBLEMS[data.name]
    if data.source == "tfds":
        name, splits = f"glue/{data.name}", ("train", problem.splits[1])
        builder = prepared_builder(name, data.dir, data.download, splits)
        return tuple((read_tfds(builder, split, problem), f"{name} ({split})") for split in splits)
    train = find_file(data, data.train, ("train.tsv",), "data.train")
    test = find_file(data, data.test, (f"{problem.splits[0]}.tsv", "dev.tsv"), "data.test")
    return tuple((read_tsv(path, problem), _name(path)) for path in (train, test))


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def build(backbone: keras.Model, outputs: int, dropout: float) -> keras.Model:
    """Returns the backbone with a dense layer on its pooled output."""
    models = keras_hub().models
    return models.BertTextClassifier(backbone, num_classes=outputs, dropout=dropout)


def metrics(outputs: int) -> list[keras.metrics.Metric]:
    """Returns accuracy; for two classes also Matthews' correlation and F1."""
    measured = [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]
    return [*measured, Confusion("matthews"), Confusion("f1")] if outputs == 2 else measured


def loss() -> keras.losses.Loss:
    """Returns the cross-entropy of the logits."""
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def squared_error() -> keras.losses.Loss:
    """Returns the squared error."""
    return keras.losses.MeanSquaredError()


def correlation(outputs: int) -> list[keras.metrics.Metric]:
    """Returns Pearson's correlation."""
    return [Pearson()]


CLASSES = Kind(read, build, loss, metrics)
NUMBERS = Kind(read, build, squared_error, correlation)
