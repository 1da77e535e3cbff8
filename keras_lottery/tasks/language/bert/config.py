"""The `data` and `model` sections of a BERT config."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, cast

from keras_lottery.config import Config
from keras_lottery.config.fields import (
    AboveZero,
    Count,
    Dropout,
    Filled,
    Known,
    OneOf,
    Positive,
    Range,
    ReadWhen,
    Seed,
)
from keras_lottery.config.sections import Step
from keras_lottery.tasks.language.bert.problems import PROBLEMS

SOURCES = ("files", "tfds")


class _ReadWhenDrawn(ReadWhen):
    """The field has an effect only if examples are sampled, or tokens masked."""

    def __init__(self) -> None:
        super().__init__("train_size")

    def holds(self, section: object) -> bool:
        data = cast(BertData, section)
        sizes = (data.train_size, data.validation_size, data.test_size)
        return data.name == "mlm" or any(sizes)

    def reason(self, section: object) -> str:
        return "while train_size, validation_size and test_size are 0"


@dataclass(frozen=True)
class BertData:
    """The texts, the problem, and how texts are cut.

    Args:
        name: a GLUE task such as `sst2`, `tsv` (your own sentences, with classes), `mlm`
            (masked language modeling) or `squad`.
        dir: folder of the data; `<dir>/<name>/` has the files of this problem.
        source: `files`, or `tfds`: `glue/<name>` of tensorflow-datasets.
        download: download the data set with tensorflow-datasets if it isn't there.
        train: file of the training examples, plain or gzipped, relative to `<dir>/<name>`; empty:
            the usual names (`train.tsv`, `train.txt`, `train-v1.1.json`).
        test: file of the test examples; empty: the usual names (`dev.tsv`, ...).
        max_len: tokens per sequence, including special ones; longer ones are cut.
        lengths: shorter lengths in tokens, rising (`8,16`): a batch then has training sentences
            that are padded to one of them, the shortest that holds them, or to `max_len`; empty:
            all are padded to `max_len`, and short ones take as long as long ones.
        train_size: training examples used, sampled with `split_seed`; 0: all.
        validation_size: training examples held out.
        test_size: test examples used, sampled the same way; 0: all.
        split_seed: seed of this sampling, and of the masked tokens of `mlm`.
        mask_rate: `mlm`: fraction of the tokens to predict.
        stride: `squad`: stride of windows over long contexts, in tokens.
    """

    name: Annotated[str, Known("language task", PROBLEMS)] = "sst2"
    dir: str = ""
    source: Annotated[str, OneOf(SOURCES)] = "files"
    download: Annotated[bool, ReadWhen("source", "tfds")] = False
    train: Annotated[str, ReadWhen("source", "files")] = ""
    test: Annotated[str, ReadWhen("source", "files")] = ""
    max_len: Annotated[int, Range(least=4, unit="tokens")] = 128
    lengths: Annotated[tuple[int, ...], ReadWhen("name", unless=("mlm", "squad"))] = ()
    train_size: Count = 0
    validation_size: Count = 0
    test_size: Count = 0
    split_seed: Annotated[Seed, _ReadWhenDrawn()] = 0
    mask_rate: Annotated[float, Range(above=0, below=1), ReadWhen("name", "mlm")] = 0.15
    stride: Annotated[Positive, ReadWhen("name", "squad")] = 128

    def problems(self) -> Iterable[str]:
        bounds = (2, *self.lengths, self.max_len)
        if any(a >= b for a, b in pairwise(bounds)):
            yield (
                "lengths: expected rising numbers of tokens above 2 and below max_len, "
                f"{self.max_len}. Received: {self.lengths}"
            )
        if self.source == "tfds" and self.name in ("tsv", "mlm", "squad"):
            yield f"source: expected 'files' for the task {self.name!r}. Received: 'tfds'"
        if self.name == "squad" and self.validation_size:
            yield (
                "validation_size: expected 0 for 'squad', whose answers are judged at the end. "
                f"Received: {self.validation_size}"
            )


@dataclass(frozen=True)
class BertModel:
    """The pre-trained network.

    Args:
        preset: a folder in Hugging Face's layout (`config.json`, `model.safetensors`, `vocab.txt`)
            or KerasHub's, relative to `data.dir` if it is there; else a KerasHub preset.
        dropout: rate in the encoder and before the head.
        head_length: how long the head is trained on its own, with the encoder frozen, before the
            network whose tickets are searched starts (`1000it`); `0it`: it starts as initialized.
        head_learning_rate: peak of the learning rate of this training.
    """

    preset: Annotated[str, Filled()] = "bert_base_en_uncased"
    dropout: Dropout = 0.1
    head_length: Step = "0it"
    head_learning_rate: Annotated[AboveZero, ReadWhen("head_length", unless=("0it", "0ep"))] = 1e-3


BertConfig = Config[BertData, BertModel]
"""A config of this task."""
