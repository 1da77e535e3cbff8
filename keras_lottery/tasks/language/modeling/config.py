"""The `data` and `model` sections of a language-modeling config."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from keras_lottery.config import Config
from keras_lottery.config.fields import Count, Dropout, Filled, OneOf, Positive, ReadWhen


@dataclass(frozen=True)
class LanguageModelingData:
    """The text, and the windows in which it is read.

    The text of each split is cut into as many contiguous streams as `train.batch_size`.

    Args:
        name: `files`, or a data set with a feature `text` as tensorflow-datasets names it, e.g.
            `tiny_shakespeare`; its splits are `train`, `test` and, if there is one, `validation`.
        dir: folder of the data sets.
        train: `files`: the training text, plain or gzipped, relative to `dir`.
        validation: the validation text; empty: none.
        test: the test text.
        download: download the data set with tensorflow-datasets if it isn't there.
        min_count: words that occur less often in the training text become `<unk>`, as do words that
            it lacks; 0: the texts already have `<unk>`, like WikiText-2 and the Penn Treebank.
        steps: tokens per window, through which gradients flow (truncated backpropagation).
        train_tokens: tokens used from the start of the training text; 0: all.
        test_tokens: tokens used of the validation and of the test text; 0: all.
    """

    name: Annotated[str, Filled()] = "files"
    dir: str = ""
    train: Annotated[str, ReadWhen("name", "files")] = ""
    validation: Annotated[str, ReadWhen("name", "files")] = ""
    test: Annotated[str, ReadWhen("name", "files")] = ""
    download: Annotated[bool, ReadWhen("name", unless=("files",))] = False
    min_count: Count = 0
    steps: Positive = 50
    train_tokens: Count = 0
    test_tokens: Count = 0

    def problems(self) -> Iterable[str]:
        if self.name == "files":
            for name in ("train", "test"):
                if not getattr(self, name):
                    yield f"{name}: expected the path of a text file. Received none"


@dataclass(frozen=True)
class LanguageModelingModel:
    """A recurrent network that predicts the next token.

    Args:
        name: `lstm`.
        layers: number of recurrent layers.
        units: units per layer.
        embedding: size of the token embedding.
        dropout: rate between the recurrent layers, in training.
        tied: the output layer shares the embedding's matrix.
    """

    name: Annotated[str, OneOf(("lstm",))] = "lstm"
    layers: Positive = 2
    units: Positive = 650
    embedding: Positive = 650
    dropout: Annotated[Dropout, ReadWhen("layers", unless=("1",))] = 0.5
    tied: bool = False

    def problems(self) -> Iterable[str]:
        if self.tied and self.units != self.embedding:
            yield (
                f"tied: expected units equal to embedding. Received: {self.units} and "
                f"{self.embedding}"
            )


LanguageModelingConfig = Config[LanguageModelingData, LanguageModelingModel]
"""A config of this task."""
