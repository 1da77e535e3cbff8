"""Sentences and their labels, from TSV files or from tensorflow-datasets."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError
from keras_lottery.tasks.language.bert.problems import LABELS, SENTENCES, Problem
from keras_lottery.tasks.language.table import Row, read_table
from keras_lottery.tasks.tfds import reading

MOST_BROKEN = 0.01
"""Maximum fraction of a file's rows that may be truncated."""


@dataclass(frozen=True)
class Sentences:
    """Examples as text.

    Args:
        first: the sentence, or the first of a pair.
        second: the second of each pair; empty where there are no pairs.
        labels: class names, or numbers as they are written.
        places: location of each example, e.g. `line 2`, for errors.
    """

    first: list[str]
    second: list[str]
    labels: list[str]
    places: list[str]


def read_tsv(path: Path, problem: Problem) -> Sentences:
    """Reads a TSV file with a header line: an unquoted one of GLUE, or a quoted one.

    Raises:
        LotteryError: the file is missing or empty, lacks a column, or has a row without a label
            or with another number of columns. For Quora's pairs, up to 1 % of the rows may be
            truncated; these are skipped with a warning.
    """
    rows = read_table(path)
    header = [name.strip() for name in rows[0][1]]
    if problem.header and len(header) == len(problem.header) and header[-1] != problem.header[-1]:
        header = list(problem.header)
    else:
        rows = rows[1:]
    if not rows:
        raise LotteryError(
            f"Expected rows below the header of {path}. Received: none. Check the file."
        )
    label = header.index(_label_column(path, header))
    columns = [header.index(name) for name in _sentence_columns(path, header)]
    rows = _whole_rows(path, rows, max(*columns, label) + 1, len(header), problem)
    unlabeled = next((line for line, row in rows if not row[label].strip()), None)
    if unlabeled is not None:
        raise LotteryError(
            f"Expected a label in every row of {path}. Received: none in line {unlabeled}. "
            "Add it or remove the row."
        )
    parts = [[row[column].strip() for _, row in rows] for column in columns]
    labels = [row[label].strip() for _, row in rows]
    places = [f"line {line}" for line, _ in rows]
    return Sentences(parts[0], parts[1] if len(parts) > 1 else [], labels, places)


def _whole_rows(path: Path, rows: list[Row], least: int, most: int, problem: Problem) -> list[Row]:
    """Returns the complete rows."""
    broken = [(line, row) for line, row in rows if not least <= len(row) <= most]
    if not broken:
        return rows
    line, row = broken[0]
    received = f"{len(row)} in {len(broken)} of {len(rows)} rows, the first of them in line {line}"
    is_short = all(len(row) < least for _, row in broken)
    if not (problem.cut_short and is_short and len(broken) <= MOST_BROKEN * len(rows)):
        raise LotteryError(
            f"Expected {most} columns in every row of {path}. Received: {received}: "
            f"{str(row)[:120]}. Separate them by tabs, and quote fields that hold tabs or line "
            "breaks."
        )
    warnings.warn(f"Skipped truncated rows of {path} ({received}).", stacklevel=3)
    return [(line, row) for line, row in rows if len(row) >= least]


def _label_column(path: Path, header: Sequence[str]) -> str:
    column = next((name for name in LABELS if name in header), None)
    if column is None:
        raise LotteryError(
            f"Expected a label column in {path} ({', '.join(LABELS)}). Received the columns: "
            f"{', '.join(header)}. Name the column of the labels."
        )
    return column


def _sentence_columns(path: Path, header: Sequence[str]) -> tuple[str, ...]:
    columns = next((names for names in SENTENCES if set(names) <= set(header)), None)
    if columns is None:
        known = "; ".join(", ".join(names) for names in SENTENCES)
        raise LotteryError(
            f"Expected a column or a pair of columns of sentences in {path} ({known}). Received "
            f"the columns: {', '.join(header)}. Rename the columns to match."
        )
    return columns


def read_tfds(builder: Any, split: str, problem: Problem) -> Sentences:
    """Reads a split of `glue/<task>` as tensorflow-datasets prepares it.

    Args:
        builder: of the data set.
        split: its name.
        problem: the problem; its classes have the same numbers there.
    """
    import tensorflow_datasets as tfds

    features = list(builder.info.features)
    columns = next(names for names in SENTENCES if set(names) <= set(features))
    with reading(builder.data_path):
        examples = list(tfds.as_numpy(builder.as_dataset(split=split)))
    parts = [[example[name].decode() for example in examples] for name in columns]
    labels = [example["label"] for example in examples]
    unlabeled = next((place for place, label in enumerate(labels) if label < 0), None)
    if unlabeled is not None:
        raise LotteryError(
            f"Expected a split with labels of {builder.name}. Received: {split!r}, without one in "
            f"example {unlabeled}. Choose another split or source."
        )
    names = [problem.labels[int(x)] if problem.labels else str(float(x)) for x in labels]
    places = [f"example {place}" for place in range(len(examples))]
    return Sentences(parts[0], parts[1] if len(parts) > 1 else [], names, places)


def as_numbers(labels: Sequence[str], path: str, places: Sequence[str]) -> NDArray[np.float32]:
    """Returns labels as numbers.

    Args:
        labels: as text.
        path: of their file, for errors.
        places: location of each label in the file.

    Raises:
        LotteryError: a label is not a finite number.
    """
    numbers = np.empty(len(labels), np.float32)
    for index, (label, place) in enumerate(zip(labels, places, strict=True)):
        try:
            numbers[index] = float(label)
        except ValueError:
            numbers[index] = np.nan
        if not np.isfinite(numbers[index]):
            raise LotteryError(
                f"Expected numbers as labels in {path}. Received: {label!r} in {place}. Fix it, "
                "or choose another data.name."
            )
    return numbers


def as_classes(
    labels: Sequence[str], names: Sequence[str], path: str, places: Sequence[str]
) -> NDArray[np.int32]:
    """Returns labels as the indices of their class in `names`.

    Args:
        labels: as text.
        names: of the classes.
        path: of their file, for errors.
        places: location of each label in the file.

    Raises:
        LotteryError: a label is not one of the classes.
    """
    numbers = {name: number for number, name in enumerate(names)}
    unknown = sorted({label for label in labels if label not in numbers})
    if unknown:
        first = next(index for index, label in enumerate(labels) if label not in numbers)
        raise LotteryError(
            f"Expected the labels {', '.join(names)} in {path}. Received: "
            f"{', '.join(unknown[:5])}, first in {places[first]}. Use files that belong together, "
            "or data.name='tsv' for your own classes."
        )
    return np.array([numbers[label] for label in labels], np.int32)
