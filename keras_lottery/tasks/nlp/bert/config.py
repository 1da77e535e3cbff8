"""The `data` and `model` sections of a BERT config."""

from collections.abc import Iterable
from dataclasses import dataclass

from keras_lottery.errors import unknown_name
from keras_lottery.tasks.nlp.bert.problems import PROBLEMS

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

    name: str = "sst2"
    dir: str = ""
    source: str = "files"
    download: bool = False
    train: str = ""
    test: str = ""
    max_len: int = 128
    train_size: int = 0
    validation_size: int = 0
    test_size: int = 0
    split_seed: int = 0
    mask_rate: float = 0.15
    stride: int = 128

    def problems(self) -> Iterable[str]:
        if self.name not in PROBLEMS:
            text = str(unknown_name("language task", self.name, PROBLEMS)).rstrip(".")
            yield f"name: {text[0].lower() + text[1:]}"
        if self.source not in SOURCES:
            yield f"source: expected one of {', '.join(SOURCES)}. Received: {self.source!r}"
        if self.source == "tfds" and self.name in ("tsv", "mlm", "squad"):
            yield f"source: expected 'files' for the task {self.name!r}. Received: 'tfds'"
        if self.name == "squad" and self.validation_size:
            yield (
                "validation_size: expected 0 for 'squad', whose answers are judged at the end. "
                f"Received: {self.validation_size}"
            )
        if self.max_len < 4:
            yield f"max_len: expected at least 4 tokens. Received: {self.max_len}"
        if self.stride < 1:
            yield f"stride: expected at least 1 token. Received: {self.stride}"
        if not 0 < self.mask_rate < 1:
            yield f"mask_rate: expected a share above 0 and below 1. Received: {self.mask_rate}"
        for name in ("train_size", "validation_size", "test_size"):
            if getattr(self, name) < 0:
                yield f"{name}: expected 0 or more. Received: {getattr(self, name)}"


@dataclass(frozen=True)
class BertModel:
    """Which pre-trained network.

    Args:
        preset: a folder in Hugging Face's layout (`config.json`, `model.safetensors`, `vocab.txt`)
            or KerasHub's, relative to `data.dir` where it is there; else a preset of KerasHub.
        dropout: rate in the encoder and before the head.
    """

    preset: str = "bert_base_en_uncased"
    dropout: float = 0.1

    def problems(self) -> Iterable[str]:
        if not self.preset:
            yield "preset: expected a folder or the name of a preset of KerasHub. Received none"
        if not 0 <= self.dropout < 1:
            yield f"dropout: expected a rate from 0 to below 1. Received: {self.dropout}"
