"""Sentences in length buckets, as padded arrays."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError
from keras_lottery.tasks.language.translation.subwords import END, PAD, START
from keras_lottery.training.data import Arrays

Ids = list[NDArray[np.int32]]


def padded(sentences: Ids, length: int) -> NDArray[np.int32]:
    """Returns `(sentences, length)`; longer sentences are cut, and keep their end token."""
    rows = np.full((len(sentences), length), PAD, np.int32)
    for row, ids in zip(rows, sentences):
        row[: len(ids)] = ids[:length]
        row[length - 1] = row[length - 1] and END
    return rows


def arrays(source: Ids, target: Ids, length: int) -> Arrays:
    """Returns `((source, decoder inputs), labels)`."""
    labels = padded(target, length)
    known = np.concatenate([np.full((len(labels), 1), START, np.int32), labels[:, :-1]], axis=1)
    known[known == END] = PAD
    return (padded(source, length), known), labels


def buckets(source: Ids, target: Ids, lengths: Sequence[int]) -> list[Arrays]:
    """Returns the arrays of the pairs in each bucket; longer pairs are skipped.

    Raises:
        LotteryError: no pair is short enough.
    """
    longest = np.array([max(len(s), len(t)) for s, t in zip(source, target, strict=True)])
    place = np.searchsorted(np.asarray(lengths), longest)
    parts = []
    for index, length in enumerate(lengths):
        chosen = np.flatnonzero(place == index)
        if len(chosen):
            parts.append(arrays([source[i] for i in chosen], [target[i] for i in chosen], length))
    if not parts:
        raise LotteryError(
            f"Expected pairs of at most {lengths[-1]} subwords. Received: {len(longest)} pairs, "
            f"the shortest of {longest.min()}. Set data.lengths."
        )
    return parts
