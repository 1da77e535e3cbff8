"""Sentences and their labels, from TSV files or from tensorflow-datasets."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError
from keras_lottery.tasks.nlp.bert.problems import LABELS, SENTENCES, Problem
from keras_lottery.tasks.nlp.text import read_lines

MOST_BROKEN = 0.01
"""Share of a file's rows that may be cut short."""


@dataclass(frozen=True)
class Sentences:
    """Examples as text.

    Args:
        first: the sentence, or the first of a pair.
        second: the second of each pair; empty where there are no pairs.
        labels: class names, or numbers as they are written.
    """

    first: list[str]
    second: list[str]
    labels: list[str]


def read_tsv(path: Path, problem: Problem) -> Sentences:
    """Reads a TSV file as GLUE has them: a header line, no quoting, plain or gzipped.

    Raises:
        LotteryError: the file is not there or empty, lacks a column, or more than 1 % of its rows
            are cut short, as few of Quora's pairs are; those are left out.
    """
    rows = [line.split("\t") for line in read_lines(path) if line.strip()]
    header = [name.strip() for name in rows[0]]
    if problem.header and len(header) == len(problem.header) and header[-1] != problem.header[-1]:
        header = list(problem.header)
    else:
        rows = rows[1:]
    if not rows:
        raise LotteryError(
            f"Expected rows below the header of {path}. Received: none. Check the file."
        )
    label = _label_column(path, header)
    columns = _sentence_columns(path, header)
    wanted = max(header.index(name) for name in (*columns, label))
    whole = [row for row in rows if len(row) > wanted]
    if broken := len(rows) - len(whole):
        first = next(row for row in rows if len(row) <= wanted)
        said = f"{len(first)} in {broken} of {len(rows)} rows, the first of them {first}"
        if broken > MOST_BROKEN * len(rows):
            raise LotteryError(
                f"Expected {len(header)} columns in every row of {path}. Received: {said[:200]}. "
                "Separate them by tabs."
            )
        warnings.warn(f"Left out of {path}: rows cut short ({said[:200]}).", stacklevel=2)
        rows = whole
    parts = [[row[header.index(name)].strip() for row in rows] for name in columns]
    labels = [row[header.index(label)].strip() for row in rows]
    return Sentences(parts[0], parts[1] if len(parts) > 1 else [], labels)


def _label_column(path: Path, header: Sequence[str]) -> str:
    found = next((name for name in LABELS if name in header), None)
    if found is None:
        raise LotteryError(
            f"Expected a label column in {path} ({', '.join(LABELS)}). Received the columns: "
            f"{', '.join(header)}. Name the column that holds the label."
        )
    return found


def _sentence_columns(path: Path, header: Sequence[str]) -> tuple[str, ...]:
    found = next((names for names in SENTENCES if set(names) <= set(header)), None)
    if found is None:
        known = "; ".join(", ".join(names) for names in SENTENCES)
        raise LotteryError(
            f"Expected a column or a pair of columns of sentences in {path} ({known}). Received "
            f"the columns: {', '.join(header)}. Name them so."
        )
    return found


def read_tfds(builder: Any, split: str, problem: Problem) -> Sentences:
    """Reads a split of `glue/<task>` as tensorflow-datasets prepares it.

    Args:
        builder: of the data set.
        split: its name.
        problem: the task; classes are numbered there as here.
    """
    import tensorflow_datasets as tfds

    features = list(builder.info.features)
    columns = next(names for names in SENTENCES if set(names) <= set(features))
    examples = list(tfds.as_numpy(builder.as_dataset(split=split)))
    parts = [[example[name].decode() for example in examples] for name in columns]
    labels = [example["label"] for example in examples]
    names = [problem.labels[int(x)] if problem.labels else str(float(x)) for x in labels]
    return Sentences(parts[0], parts[1] if len(parts) > 1 else [], names)


def as_numbers(labels: Sequence[str], path: str) -> NDArray[np.float32]:
    """Returns labels that are numbers.

    Raises:
        LotteryError: one of them is none.
    """
    try:
        return np.array([float(label) for label in labels], np.float32)
    except ValueError as error:
        raise LotteryError(
            f"Expected numbers as labels in {path}. Received: {error}. Choose another data.name."
        ) from error


def as_classes(labels: Sequence[str], names: Sequence[str], path: str) -> NDArray[np.int32]:
    """Returns labels as the places of their class among `names`.

    Raises:
        LotteryError: one of them is no such class.
    """
    places = {name: place for place, name in enumerate(names)}
    unknown = sorted({label for label in labels if label not in places})
    if unknown:
        raise LotteryError(
            f"Expected the labels {', '.join(names)} in {path}. Received: "
            f"{', '.join(unknown[:5])}. Take files that belong together, or data.name='tsv' for "
            "classes of your own."
        )
    return np.array([places[label] for label in labels], np.int32)
