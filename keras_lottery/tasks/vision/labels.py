"""From the labels of a file to classes counted from 0."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError

SHOWN = 5

Labels = NDArray[np.int32]


def class_numbers(
    train: NDArray[np.generic], test: NDArray[np.generic]
) -> tuple[Labels, Labels, int]:
    """Returns labels as numbers of classes, and how many classes there are.

    The classes are the distinct labels of the training images in their order. Labels other
    than 0, 1, 2, … are renumbered, with a warning.

    Args:
        train: labels `(examples,)` or `(examples, 1)`: whole numbers, also as floats, or strings.
        test: likewise.

    Returns:
        `(train, test, classes)`.

    Raises:
        LotteryError: labels have another form, a test label is not among the training labels,
            or there is only one class.
    """
    train, test = _flat(train, "training"), _flat(test, "test")
    classes: NDArray[Any] = np.unique(train)
    if (train.dtype.kind in "US") != (test.dtype.kind in "US"):
        raise LotteryError(
            f"Expected test labels of the training labels' kind, {train.dtype}. Received: "
            f"{test.dtype}. Write both as whole numbers or both as strings."
        )
    unseen = np.flatnonzero(~np.isin(test, classes))
    if len(unseen):
        names = [str(name) for name in np.unique(test[unseen])]
        raise LotteryError(
            f"Expected test labels that are also among the {len(classes)} training labels "
            f"({_listed(classes)}). Received: {', '.join(names[:SHOWN])}, first at index "
            f"{unseen[0]}. Remove those images, or add training images of these classes."
        )
    if len(classes) < 2:
        raise LotteryError(
            f"Expected training images of two classes or more. Received: {_listed(classes)} alone. "
            "Check y_train."
        )
    if classes.dtype.kind in "US" or (classes != np.arange(len(classes))).any():
        warnings.warn(
            f"Labels {_listed(classes)} are counted as classes 0 to {len(classes) - 1}, in this "
            "order; data.classes means these numbers.",
            stacklevel=2,
        )
    numbers = [np.searchsorted(classes, labels).astype(np.int32) for labels in (train, test)]
    return numbers[0], numbers[1], len(classes)


def _flat(y: NDArray[np.generic], name: str) -> NDArray[np.generic]:
    """Returns labels as a vector of whole numbers or strings."""
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        raise LotteryError(
            f"Expected {name} labels of shape (examples,). Received: {y.dtype} of shape {y.shape}. "
            "Give one label per image; np.argmax(y, axis=1) makes them of one-hot rows."
        )
    if y.dtype.kind == "S":
        return np.char.decode(y.astype(np.bytes_), "utf-8", "replace")
    if y.dtype.kind in "Ubiu":
        return y.astype(np.int64) if y.dtype.kind == "b" else y
    if y.dtype.kind != "f":
        raise LotteryError(
            f"Expected {name} labels as whole numbers or strings. Received: {y.dtype}. "
            "Convert them."
        )
    wrong = np.flatnonzero(~np.isfinite(y) | (y != np.floor(y)))
    if len(wrong):
        raise LotteryError(
            f"Expected {name} labels that are whole numbers. Received: {y[wrong[0]]} at index "
            f"{wrong[0]}. Give one class per image."
        )
    return y.astype(np.int64)


def _listed(classes: NDArray[Any]) -> str:
    names = [str(name) for name in classes]
    return ", ".join(names if len(names) <= 2 * SHOWN else [*names[:SHOWN], "…", names[-1]])


def stratified_order(labels: NDArray[np.int32], seed: int) -> NDArray[np.intp]:
    """Returns an order of the examples in which every prefix has balanced classes.

    Examples are sorted by their rank within their class in a random order, divided by the size of
    the class; of `n` examples with classes of equal size, the first `n / 2` contain half of each.

    Args:
        labels: `(examples,)`.
        seed: seeds the random order.

    Returns:
        Indices `(examples,)`, a permutation.
    """
    # RandomState instead of Generator: NumPy guarantees that its stream never changes.
    shuffled = np.random.RandomState(seed).permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    counts = np.bincount(labels)
    ranks = np.concatenate([np.arange(count) for count in counts])
    sizes = np.repeat(counts, counts)
    return by_class[np.argsort((ranks + 0.5) / sizes, kind="stable")]
