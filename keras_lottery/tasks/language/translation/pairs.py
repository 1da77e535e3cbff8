"""Pairs of sentences from text files and from tensorflow-datasets."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_lottery.checks import file_path
from keras_lottery.errors import LotteryError
from keras_lottery.registry import Registry
from keras_lottery.tasks.language.text import read_lines, text_path
from keras_lottery.tasks.language.translation.config import TranslationData
from keras_lottery.tasks.tfds import prepared_builder, reading


@dataclass(frozen=True)
class Pairs:
    """Sentences and their translations, in pairs."""

    source: list[str]
    target: list[str]

    def __len__(self) -> int:
        return len(self.source)

    def first(self, count: int) -> "Pairs":
        """Returns the first pairs; 0: all.

        Raises:
            LotteryError: there are fewer.
        """
        if count > len(self):
            raise LotteryError(
                f"Expected data.train_size of at most {len(self):,}, the number of pairs. "
                f"Received: {count:,}. Lower it, or leave it at 0 for all."
            )
        return Pairs(self.source[: count or None], self.target[: count or None])


@dataclass(frozen=True)
class Corpus:
    """The three parts of a data set."""

    train: Pairs
    validation: Pairs
    test: Pairs


corpora: Registry[Callable[[TranslationData], Corpus]] = Registry("translation data set")


def load(data: TranslationData) -> Corpus:
    """Returns the sentences that a config names.

    Raises:
        LotteryError: a file is missing, empty, or has another number of lines than its pair.
    """
    corpus = corpora[data.name](data)
    return Corpus(corpus.train.first(data.train_size), corpus.validation, corpus.test)


@corpora.register("text")
def from_text(data: TranslationData) -> Corpus:
    """Reads one file per language and part."""
    stems = {"train": data.train, "validation": data.validation, "test": data.test}
    return Corpus(*(_read(data, stem, part) for part, stem in stems.items()))


@corpora.register("wmt14")
def from_wmt14(data: TranslationData) -> Corpus:
    """Reads WMT'14 German-English from tensorflow-datasets."""
    splits = ("train", "validation", "test")
    builder = prepared_builder("wmt14_translate/de-en", data.dir, data.download, splits)
    return Corpus(*(_prepared(builder, split, data) for split in splits))


def _prepared(builder: Any, split: str, data: TranslationData) -> Pairs:
    pairs = Pairs([], [])
    with reading(builder.data_path):
        for example in builder.as_dataset(split=split).as_numpy_iterator():
            pairs.source.append(example[data.source].decode())
            pairs.target.append(example[data.target].decode())
    return pairs


def _read(data: TranslationData, stem: str, part: str) -> Pairs:
    paths = [_path(data, stem, language, part) for language in (data.source, data.target)]
    source, target = (read_lines(path) for path in paths)
    if len(source) != len(target):
        raise LotteryError(
            f"Expected as many lines in {paths[1]} as in {paths[0]}, one pair per line. "
            f"Received: {len(target)} and {len(source)}. Take files that belong together."
        )
    for number, pair in enumerate(zip(source, target, strict=True), 1):
        if bool(pair[0].strip()) != bool(pair[1].strip()):
            blank = paths[bool(pair[0].strip())]
            raise LotteryError(
                f"Expected a sentence in line {number} of {blank}, as in the other file. "
                "Received: an empty line. Remove the line from both files."
            )
    return Pairs(source, target)


def _path(data: TranslationData, stem: str, language: str, part: str) -> Path:
    plain = file_path(Path(data.dir, f"{stem}.{language}"), f"data.{part}")
    ending = "" if plain.is_file() else ".gz"
    return text_path(data.dir, f"{stem}.{language}{ending}" if stem else "", f"data.{part}")
