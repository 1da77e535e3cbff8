"""A kind of problem: its arrays, head, loss and metrics."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_lottery.checks import file_path
from keras_lottery.errors import LotteryError
from keras_lottery.tasks.language.bert.config import BertData
from keras_lottery.tasks.language.bert.problems import PROBLEMS
from keras_lottery.tasks.language.bert.tokens import Encoder
from keras_lottery.training import ArrayData


@dataclass(frozen=True)
class Examples:
    """Tokenized examples, and the size of their head.

    Args:
        arrays: for training and evaluation.
        outputs: number of outputs of the head; 0 if it doesn't depend on the data.
        judge: metrics computed from all outputs on the test set, if batches aren't enough.
    """

    arrays: ArrayData
    outputs: int = 0
    judge: Callable[[Any], dict[str, float]] | None = None


@dataclass(frozen=True)
class Kind:
    """One kind of problem.

    Args:
        read: returns the examples that a config's `data` names.
        build: returns the network for a backbone, a number of outputs and a dropout rate.
        loss: returns the training loss.
        metrics: returns the metrics for a number of outputs.
    """

    read: Callable[[BertData, Encoder], Examples]
    build: Callable[[keras.Model, int, float], keras.Model]
    loss: Callable[[], keras.losses.Loss]
    metrics: Callable[[int], list[keras.metrics.Metric]]


_KINDS = {
    "classes": "classes:CLASSES",
    "number": "classes:NUMBERS",
    "masked_lm": "masked_lm:MASKED_LM",
    "span": "squad:SPAN",
}
"""Module of each kind, by `Problem.kind`."""


def kind_of(name: str) -> Kind:
    """Returns the kind of the problem that `data.name` names."""
    module, _, attribute = _KINDS[PROBLEMS[name].kind].partition(":")
    kind: Kind = getattr(import_module(f"{__package__}.{module}"), attribute)
    return kind


def find_file(data: BertData, file_name: str, names: tuple[str, ...], field: str) -> Path:
    """Returns the file of a split: the given one, or the first usual name that exists.

    Raises:
        LotteryError: there is none.
    """
    folder = file_path(Path(data.dir), "data.dir") / data.name
    tried = [folder / name for name in ((file_name,) if file_name else names)]
    tried = [
        path
        for candidate in tried
        for path in (candidate, candidate.with_name(f"{candidate.name}.gz"))
    ]
    file = next((path for path in tried if path.is_file()), None)
    if file is None:
        raise LotteryError(
            f"Expected the file {' or '.join(path.name for path in tried)} in {folder}. "
            f"Received: no such file. Set data.dir (the folder that has {data.name}/) or {field}."
        )
    return file


def chosen(count: int, size: int, seed: int) -> NDArray[np.intp]:
    """Returns the indices of `size` of `count` examples in order, or of all for 0.

    Raises:
        LotteryError: there are too few.
    """
    if size > count:
        raise LotteryError(
            f"Expected at least {size} examples, as data.train_size, data.validation_size and "
            f"data.test_size ask. Received: {count}. Lower them."
        )
    # RandomState instead of Generator: NumPy guarantees that its stream never changes.
    return np.sort(np.random.RandomState(seed).permutation(count)[: size or count])


def held_out(count: int, data: BertData) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Returns the indices of the training examples, and of those held out for validation.

    Raises:
        LotteryError: there are too few, or none is left.
    """
    needed = data.validation_size + max(1, data.train_size)
    if needed > count:
        raise LotteryError(
            f"Expected at least {needed} training examples for {data.validation_size} of "
            f"validation and {data.train_size or 'some'} to train on. Received: {count}. "
            "Lower data.validation_size or data.train_size."
        )
    order = np.random.RandomState(data.split_seed).permutation(count)
    end = needed if data.train_size else count
    return np.sort(order[data.validation_size : end]), np.sort(order[: data.validation_size])
