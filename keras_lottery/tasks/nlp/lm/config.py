"""The `data` and `model` sections of a language-modelling config."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class LanguageModellingData:
    """Which text, and the windows in which it is read.

    The text of each split is cut into as many contiguous streams as `train.batch_size`.

    Args:
        name: `files`, or a data set with a feature `text` as tensorflow-datasets names it, e.g.
            `tiny_shakespeare`; its splits are `train`, `test` and, if there is one, `validation`.
        dir: where data sets lie on this machine.
        train: `files`: the training text, plain or gzipped, relative to `dir`.
        validation: likewise; empty: none.
        test: likewise.
        download: fetch the data set with tensorflow-datasets where it is not there.
        min_count: words that occur less often in the training text are `<unk>`, and so is every
            word that it lacks; 0: the texts have `<unk>` already, as those of WikiText-2 and the
            Penn Treebank.
        steps: tokens of a window, through which gradients flow (truncated backpropagation).
        train_tokens: tokens of the training text that are used, from its beginning; 0: all.
        test_tokens: tokens of the validation and of the test text that are used; 0: all.
    """

    name: str = "files"
    dir: str = ""
    train: str = ""
    validation: str = ""
    test: str = ""
    download: bool = False
    min_count: int = 0
    steps: int = 50
    train_tokens: int = 0
    test_tokens: int = 0

    def problems(self) -> Iterable[str]:
        if self.name == "files":
            for name in ("train", "test"):
                if not getattr(self, name):
                    yield f"{name}: expected the path of a text file. Received none"
        if not self.name:
            yield "name: expected 'files' or the name of a data set. Received: ''"
        if self.steps < 1:
            yield f"steps: expected at least 1 token a window. Received: {self.steps}"
        for name in ("min_count", "train_tokens", "test_tokens"):
            if getattr(self, name) < 0:
                yield f"{name}: expected 0 or more. Received: {getattr(self, name)}"


@dataclass(frozen=True)
class LanguageModellingModel:
    """A recurrent network that predicts the next token.

    Args:
        name: `lstm`.
        layers: number of recurrent layers.
        units: units of each.
        embedding: size of the vectors that tokens are read as.
        dropout: share of the units dropped between the recurrent layers, in training.
        tied: tokens are predicted with the matrix that they are read with.
    """

    name: str = "lstm"
    layers: int = 2
    units: int = 650
    embedding: int = 650
    dropout: float = 0.5
    tied: bool = False

    def problems(self) -> Iterable[str]:
        if self.name != "lstm":
            yield f"name: expected 'lstm'. Received: {self.name!r}"
        for name in ("layers", "units", "embedding"):
            if getattr(self, name) < 1:
                yield f"{name}: expected at least 1. Received: {getattr(self, name)}"
        if not 0 <= self.dropout < 1:
            yield f"dropout: expected a share from 0 to below 1. Received: {self.dropout}"
        if self.tied and self.units != self.embedding:
            yield (
                f"tied: expected units equal to embedding. Received: {self.units} and "
                f"{self.embedding}"
            )
