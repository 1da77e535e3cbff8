"""Reads and splits the images that a config's `data` section describes."""

import dataclasses

import numpy as np

from keras_lottery.errors import LotteryError
from keras_lottery.tasks.vision.config import VisionData
from keras_lottery.tasks.vision.datasets import datasets
from keras_lottery.tasks.vision.images import Images, Source, Split
from keras_lottery.tasks.vision.labels import stratified_order
from keras_lottery.tasks.vision.preprocessing import resized


def load(data: VisionData) -> Images:
    """Reads the data set that `data` names, and splits it.

    Raises:
        LotteryError: it isn't there, or is smaller than the section asks for.
        MissingExtraError: reading it needs a package that is not installed.
    """
    return prepare(datasets[data.name](data), data)


def prepare(source: Source, data: VisionData) -> Images:
    """Applies the section's options to a data set and holds out the validation images."""
    source = _only(source, data.classes)
    held_out = source.validation_size if data.validation_size < 0 else data.validation_size
    available = len(source.train) - held_out
    if available < max(1, data.train_size):
        raise LotteryError(
            f"Expected at least {held_out + max(1, data.train_size)} training images for "
            f"{held_out} of validation and {data.train_size or 'some'} to train on. "
            f"Received: {len(source.train)}. Lower data.validation_size or data.train_size."
        )
    order = stratified_order(source.train.y, data.split_seed)
    used = held_out + (data.train_size or available)
    train = source.train.take(np.sort(order[held_out:used]))
    validation = source.train.take(np.sort(order[:held_out])) if held_out else None
    return Images(
        train=_shaped(train, data),
        validation=_shaped(validation, data) if validation else None,
        test=_shaped(source.test, data),
        classes=source.classes,
        maximum=source.maximum,
    )


def _only(source: Source, classes: tuple[int, ...]) -> Source:
    """Returns the examples of `classes`, renumbered from 0 in that order."""
    if not classes:
        return source
    if min(classes) < 0 or max(classes) >= source.classes:
        raise LotteryError(
            f"Expected data.classes from 0 to {source.classes - 1}. Received: {classes}. "
            "Remove the others."
        )
    numbers = np.full(source.classes, -1, np.int32)
    numbers[list(classes)] = np.arange(len(classes))

    def filtered(split: Split) -> Split:
        kept = split.take(np.flatnonzero(numbers[split.y] >= 0))
        return Split(kept.x, numbers[kept.y])

    return dataclasses.replace(
        source,
        train=filtered(source.train),
        test=filtered(source.test),
        classes=len(classes),
    )


def _shaped(split: Split, data: VisionData) -> Split:
    x = resized(split.x, data.resize) if data.resize else split.x
    if data.channels == 3 and x.shape[-1] == 1:
        x = np.repeat(x, 3, axis=-1)
    return Split(x, split.y)
