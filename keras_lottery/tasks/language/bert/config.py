"""The `data` and `model` sections of a BERT config."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from keras_lottery.config.fields import (
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
from keras_lottery.tasks.language.bert.problems import PROBLEMS

SOURCES = ("files", "tfds")


@dataclass(frozen=True)
class BertData:
    """Which texts, what is asked of them, and how they are cut.

    Args:
        name: a GLUE task such as `sst2`, `tsv` (sentences of one's own, with classes), `mlm`
            (masked-language modelling) or `squad`.
        dir: where data lie on this machine; `<dir>/<name>/` holds this task's.
        source: `files`, or `tfds`: `glue/<name>` of tensorflow-datasets.
        download: fetch the data set with tensorflow-datasets where it is not there.
        train: file of the training examples, plain or gzipped, relative to `<dir>/<name>`; empty:
            the usual names (`train.tsv`, `train.txt`, `train-v1.1.json`).
        test: file of the examples that are measured; empty: the usual names (`dev.tsv`, ...).
        max_len: tokens of a sequence, special ones included; longer ones are cut.
        train_size: training examples used, drawn from `split_seed`; 0: all.
        validation_size: training examples held out.
        test_size: test examples used, drawn likewise; 0: all.
        split_seed: seeds these draws, and which tokens of `mlm` are masked.
        mask_rate: `mlm`: share of the tokens to predict.
        stride: `squad`: tokens that windows over a long context move on by.
    """

    name: Annotated[str, Known("language task", PROBLEMS)] = "sst2"
    dir: str = ""
    source: Annotated[str, OneOf(SOURCES)] = "files"
    download: Annotated[bool, ReadWhen("source", "tfds")] = False
    train: Annotated[str, ReadWhen("source", "files")] = ""
    test: Annotated[str, ReadWhen("source", "files")] = ""
    max_len: Annotated[int, Range(least=4, unit="tokens")] = 128
    train_size: Count = 0
    validation_size: Count = 0
    test_size: Count = 0
    split_seed: Seed = 0
    mask_rate: Annotated[float, Range(above=0, below=1), ReadWhen("name", "mlm")] = 0.15
    stride: Annotated[Positive, ReadWhen("name", "squad")] = 128

    def problems(self) -> Iterable[str]:
        if self.source == "tfds" and self.name in ("tsv", "mlm", "squad"):
            yield f"source: expected 'files' for the task {self.name!r}. Received: 'tfds'"
        if self.name == "squad" and self.validation_size:
            yield (
                "validation_size: expected 0 for 'squad', whose answers are judged at the end. "
                f"Received: {self.validation_size}"
            )


@dataclass(frozen=True)
class BertModel:
    """Which pre-trained network.

    Args:
        preset: a folder in Hugging Face's layout (`config.json`, `model.safetensors`, `vocab.txt`)
            or KerasHub's, relative to `data.dir` where it is there; else a preset of KerasHub.
        dropout: rate in the encoder and before the head.
    """

    preset: Annotated[str, Filled()] = "bert_base_en_uncased"
    dropout: Dropout = 0.1
