"""Masked language modeling on running text."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_lottery.errors import LotteryError
from keras_lottery.tasks.language.bert.config import BertData
from keras_lottery.tasks.language.bert.metrics import KnownAccuracy
from keras_lottery.tasks.language.bert.pretrained import keras_hub
from keras_lottery.tasks.language.bert.problem import Examples, Kind, chosen, find_file, held_out
from keras_lottery.tasks.language.bert.tokens import Encoder, Inputs, Tokens
from keras_lottery.tasks.language.text import read_lines
from keras_lottery.training import ArrayData
from keras_lottery.training.data import Arrays

_UNKNOWN = "\u2426"
"""A character that replaces `<unk>` in texts; no vocabulary contains it."""

NOTHING = -1
"""Label of positions without a masked word."""


def read(data: BertData, encoder: Encoder) -> Examples:
    """Reads both texts, cuts them into sequences and masks words, the same ones in every epoch.

    Raises:
        LotteryError: a file is missing, or too short for one sequence.
    """
    train = _sequences(find_file(data, data.train, ("train.txt",), "data.train"), encoder)
    test = _sequences(
        find_file(data, data.test, ("dev.txt", "valid.txt", "test.txt"), "data.test"), encoder
    )
    used, validation = held_out(len(train), data)
    tested = chosen(len(test), data.test_size, data.split_seed)

    def arrays(sequences: Sequence[Tokens], rows: Sequence[int], part: int) -> Arrays:
        rng = np.random.default_rng([data.split_seed, part])
        x = encoder.sequences([sequences[row] for row in rows])
        return hide(x, encoder, data.mask_rate, rng)

    return Examples(
        ArrayData(
            train=arrays(train, used.tolist(), 0),
            validation=arrays(train, validation.tolist(), 1) if len(validation) else None,
            test=arrays(test, tested.tolist(), 2),
        )
    )


def _sequences(path: Path, encoder: Encoder) -> list[Tokens]:
    """Returns a file's running text in pieces that fill a sequence; the rest is dropped."""
    lines = [line.replace("<unk>", _UNKNOWN) for line in read_lines(path) if line.strip()]
    tokens = [token for line in encoder.tokenize(lines) for token in line]
    size = encoder.max_len - 2
    pieces = [tokens[at : at + size] for at in range(0, len(tokens) - size + 1, size)]
    if not pieces:
        raise LotteryError(
            f"Expected at least {size} tokens in {path}, one sequence of data.max_len. Received: "
            f"{len(tokens)}. Give a longer text or lower data.max_len."
        )
    return pieces


def hide(x: Inputs, encoder: Encoder, rate: float, rng: np.random.Generator) -> Arrays:
    """Returns inputs with masked words, and those words.

    Of the words to predict, 80 % become `[MASK]`, 10 % a random token, and 10 % stay.

    Args:
        x: sequences.
        encoder: has the special tokens, which are never masked.
        rate: fraction of a sequence's words to predict, at least one.
        rng: samples them.

    Returns:
        `(x, y)`: `x` also holds `mask_positions` `(examples, most)`; `y` the words there, and
        `NOTHING` after a sequence's last one.

    Reference: Devlin et al. 2019, arXiv 1810.04805, section 3.1.
    """
    ids = x["token_ids"].copy()
    words = ~np.isin(ids, encoder.special)
    most = max(1, math.ceil(rate * (ids.shape[1] - 2)))
    positions = np.zeros((len(ids), most), np.int32)
    y = np.full((len(ids), most), NOTHING, np.int32)
    for row in range(len(ids)):
        places = np.flatnonzero(words[row])
        count = min(len(places), most, max(1, round(rate * len(places))))
        picked = np.sort(rng.permutation(places)[:count])
        positions[row, :count], y[row, :count] = picked, ids[row, picked]
        fate = rng.random(count)
        ids[row, picked[fate < 0.8]] = encoder.tokenizer.mask_token_id
        others = picked[fate >= 0.9]
        ids[row, others] = rng.integers(0, encoder.vocabulary_size, len(others))
    return {**x, "token_ids": ids, "mask_positions": positions}, y


def build(backbone: keras.Model, outputs: int, dropout: float) -> keras.Model:
    """Returns the backbone with a head that is tied to its token embedding.

    The pooler is part of the network, so that masks can be exchanged, but gets no gradient.
    """
    backbone.pooled_dense.trainable = False
    task = keras_hub().models.BertMaskedLM(backbone)
    return keras.Model(task.input, task.output)  # without the metric that KerasHub's would add


class HiddenCrossentropy(keras.losses.Loss):
    """Cross-entropy of the masked words.

    The sum is divided by the number of all positions, including those without a masked word, so
    that it doesn't depend on how a batch is split between devices; sequences are about equally
    full.
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        each = keras.losses.sparse_categorical_crossentropy(
            y_true, y_pred, from_logits=True, ignore_class=NOTHING
        )
        return each * 1.0  # without the mask, since Keras would divide by it


def loss() -> keras.losses.Loss:
    """Returns the training loss."""
    return HiddenCrossentropy(name="loss")


def metrics(outputs: int) -> list[keras.metrics.Metric]:
    """Returns the accuracy on masked words."""
    return [KnownAccuracy("accuracy")]


MASKED_LM = Kind(read, build, loss, metrics)
