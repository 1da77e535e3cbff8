"""A text as token ids, with the vocabulary of its training part."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError
from keras_lottery.tasks.language.modeling.config import LanguageModelingData
from keras_lottery.tasks.language.text import read_lines, text_path
from keras_lottery.tasks.tfds import prepared_builder, reading

END = "<eos>"
UNKNOWN = "<unk>"
SHOWN = 5
"""Maximum number of unknown words in an error."""

Ids = NDArray[np.int32]


@dataclass(frozen=True)
class Corpus:
    """Token ids of each part of a text.

    Args:
        train: ids `(tokens,)`, from 0.
        validation: the same; None: none.
        test: the same.
        vocabulary: the tokens by id.

    Raises:
        LotteryError: a part has fewer than 2 tokens, or an id is not in the vocabulary.
    """

    train: Ids
    validation: Ids | None
    test: Ids
    vocabulary: tuple[str, ...]

    def __post_init__(self) -> None:
        for name in ("train", "validation", "test"):
            ids = getattr(self, name)
            if ids is not None:
                self._check(name, ids)

    def _check(self, name: str, ids: Ids) -> None:
        if len(ids) < 2:
            raise LotteryError(
                f"Expected at least 2 tokens in the {name} text. Received: {len(ids)}. "
                "Give a longer text."
            )
        if ids.min() < 0 or ids.max() >= len(self.vocabulary):
            wrong = ids.min() if ids.min() < 0 else ids.max()
            raise LotteryError(
                f"Expected token ids from 0 to {len(self.vocabulary) - 1} in the {name} text. "
                f"Received: {wrong}. Use the vocabulary of these ids."
            )


def load(data: LanguageModelingData) -> Corpus:
    """Reads the text that `data` names.

    Raises:
        LotteryError: it is missing, empty or shorter than `train_tokens` or `test_tokens`, or has
            words that the vocabulary lacks.
        MissingExtraError: reading it needs a package that is not installed.
    """
    texts = _files(data) if data.name == "files" else _prepared(data)
    train = _first(tokens(texts["train"]), data.train_tokens, "train_tokens", "training")
    vocabulary = vocabulary_of(train, data.min_count)
    known = {token: i for i, token in enumerate(vocabulary)}
    rest = {
        name: _ids(_first(tokens(texts[name]), data.test_tokens, "test_tokens", name), known, name)
        for name in ("validation", "test")
        if name in texts
    }
    return Corpus(
        train=_ids(train, known, "train"),
        validation=rest.get("validation"),
        test=rest["test"],
        vocabulary=vocabulary,
    )


def tokens(lines: Iterable[str]) -> list[str]:
    """Splits a text at whitespace, with `<eos>` at the end of every line.

    This is the usual way to read WikiText-2 and the Penn Treebank, in which rare words are
    already `<unk>`.
    """
    return [token for line in lines for token in (*line.split(), END)]


def _first(text: list[str], count: int, field: str, name: str) -> list[str]:
    if count > len(text):
        raise LotteryError(
            f"Expected data.{field} of at most {len(text):,}, the tokens of the {name} text. "
            f"Received: {count:,}. Lower it, or leave it at 0 for all."
        )
    return text[: count or None]


def vocabulary_of(train: Sequence[str], min_count: int = 0) -> tuple[str, ...]:
    """Returns the tokens of a training text, most frequent first, ties by first occurrence.

    Args:
        train: the tokens.
        min_count: tokens that occur less often are replaced by an `<unk>` at the end; 0: none.
    """
    often = [token for token, count in Counter(train).most_common() if count >= min_count]
    return (*often, UNKNOWN) if min_count and UNKNOWN not in often else tuple(often)


def _ids(text: Sequence[str], known: dict[str, int], name: str) -> Ids:
    """Returns the ids of tokens; unknown ones become `<unk>`, if the vocabulary has it."""
    unknown = known.get(UNKNOWN, -1)
    ids = np.fromiter((known.get(token, unknown) for token in text), np.int32, len(text))
    if (ids < 0).any():
        missing = sorted({token for token, i in zip(text, ids, strict=True) if i < 0})
        raise LotteryError(
            f"Expected words of the training text, or {UNKNOWN} in it, in the {name} text. "
            f"Received: {', '.join(missing[:SHOWN])}{_more(len(missing) - SHOWN)}. "
            f"Set data.min_count, which makes rare words {UNKNOWN}, "
            "or write it in the files."
        )
    return ids


def _more(count: int) -> str:
    if count < 1:
        return ""
    return f" ({count} more word{'s' if count > 1 else ''})"


def _files(data: LanguageModelingData) -> dict[str, list[str]]:
    named = {name: getattr(data, name) for name in ("train", "validation", "test")}
    return {
        name: read_lines(text_path(data.dir, file, f"data.{name}"))
        for name, file in named.items()
        if file
    }


def _prepared(data: LanguageModelingData) -> dict[str, list[str]]:
    builder = prepared_builder(data.name, data.dir, data.download, ("train", "test"))
    if "text" not in builder.info.features:
        raise LotteryError(
            f"Expected a data set with a feature `text`. Received: {data.name} with "
            f"{', '.join(builder.info.features)}. Choose another, or data.name='files'."
        )
    splits = ("train", "validation", "test")
    return {split: _lines(builder, split) for split in splits if split in builder.info.splits}


def _lines(builder: Any, split: str) -> list[str]:
    import tensorflow_datasets as tfds

    with reading(builder.data_path):
        texts = [example["text"] for example in tfds.as_numpy(builder.as_dataset(split=split))]
        return [line for text in texts for line in text.decode("utf-8").splitlines()]
