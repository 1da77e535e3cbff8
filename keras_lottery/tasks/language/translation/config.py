"""The `data` and `model` sections of a translation config."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from keras_lottery.config import Config
from keras_lottery.config.fields import (
    Count,
    Dropout,
    Filled,
    NotNegative,
    OneOf,
    Positive,
    Range,
    ReadWhen,
)

SOURCES = ("text", "wmt14")


@dataclass(frozen=True)
class TranslationData:
    """Pairs of sentences, their subwords, and the shapes of their batches.

    `train.batch_size` counts subwords, including padding: a batch has as many sentences as fit at
    their padded length.

    Args:
        name: `text` (one file per language, one sentence per line) or `wmt14`
            (`wmt14_translate/de-en` of tensorflow-datasets).
        dir: folder of the data sets.
        download: `wmt14`: download the data set if it isn't there.
        source: source language; suffix of its files.
        target: target language; suffix of its files.
        train: `text`: name of the training files without the language, e.g. `train` for
            `train.de` and `train.en`, optionally with `.gz` at the end.
        validation: `text`: the same for the validation files.
        test: `text`: the same for the test files.
        train_size: number of training pairs used, from the start; 0: all.
        vocabulary: subwords, shared by both languages, learned from the training pairs.
        lengths: numbers of subwords that sentences are padded to; longer training pairs are
            skipped.
    """

    name: Annotated[str, OneOf(SOURCES)] = "text"
    dir: str = ""
    download: Annotated[bool, ReadWhen("name", "wmt14")] = False
    source: Annotated[str, Filled()] = "de"
    target: Annotated[str, Filled()] = "en"
    train: Annotated[str, ReadWhen("name", "text")] = "train"
    validation: Annotated[str, ReadWhen("name", "text")] = "val"
    test: Annotated[str, ReadWhen("name", "text")] = "test"
    train_size: Count = 0
    vocabulary: Annotated[int, Range(least=16, unit="subwords")] = 8000
    lengths: tuple[int, ...] = (16, 24, 48)

    def problems(self) -> Iterable[str]:
        if self.source == self.target:
            yield f"target: expected another language than the source. Received: {self.target!r}"
        if self.name == "wmt14" and {self.source, self.target} != {"de", "en"}:
            languages = f"{self.source!r} and {self.target!r}"
            yield f"source, target: expected 'de' and 'en' of wmt14. Received: {languages}"
        rising = all(a < b for a, b in zip((1, *self.lengths), self.lengths))
        if not self.lengths or not rising:
            yield f"lengths: expected rising numbers of subwords above 1. Received: {self.lengths}"


@dataclass(frozen=True)
class TranslationModel:
    """An encoder-decoder Transformer with one embedding for source, target and output.

    Args:
        layers: of the encoder, and as many of the decoder.
        width: of embeddings and layers.
        hidden: width of the feed-forward blocks.
        heads: of attention.
        dropout: rate, after every block, on attention weights and on embeddings.
        label_smoothing: fraction of the target's probability spread over the vocabulary.
        beam: beam size; 1: greedy.
        length_penalty: α of the score log P / ((5 + length) / 6)^α.
        extra: subwords by which a translation may exceed the longest source.
    """

    layers: Positive = 6
    width: Positive = 512
    hidden: Positive = 2048
    heads: Positive = 8
    dropout: Dropout = 0.1
    label_smoothing: Dropout = 0.1
    beam: Positive = 4
    length_penalty: Annotated[NotNegative, ReadWhen("beam", unless=("1",))] = 0.6
    extra: Positive = 16

    def problems(self) -> Iterable[str]:
        if self.width % max(self.heads, 1):
            yield f"width: expected a multiple of the {self.heads} heads. Received: {self.width}"


TranslationConfig = Config[TranslationData, TranslationModel]
"""A config of this task."""
