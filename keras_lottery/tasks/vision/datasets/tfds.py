"""Images that tensorflow-datasets has prepared."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_lottery.errors import LotteryError
from keras_lottery.tasks.tfds import prepared_builder
from keras_lottery.tasks.vision.config import VisionData
from keras_lottery.tasks.vision.images import Source, Split, as_split
from keras_lottery.tasks.vision.labels import stratified_order
from keras_lottery.tasks.vision.preprocessing import resized

BATCH = 1000


@dataclass(frozen=True)
class Prepared:
    """A data set as tensorflow-datasets names it.

    Args:
        name: its name.
        test: the split that papers report on; where the test labels are secret, the validation.
        validation_size: training images that papers hold out.
        half: 0 or 1: only that half of the training images; None: all.
    """

    name: str
    test: str = "test"
    validation_size: int = 5000
    half: int | None = None


def _loader(prepared: Prepared) -> Callable[[VisionData], Source]:
    def load(data: VisionData) -> Source:
        builder = prepared_builder(
            prepared.name, data.dir, data.download, splits=("train", prepared.test)
        )
        train = _read(builder, "train", data.resize)
        return Source(
            train=train if prepared.half is None else half(train, prepared.half),
            test=_read(builder, prepared.test, data.resize),
            classes=builder.info.features["label"].num_classes,
            validation_size=prepared.validation_size,
        )

    return load


def half(split: Split, which: int) -> Split:
    """Returns one of two halves that share no image and have equally many of every class."""
    order = stratified_order(split.y, seed=0)
    middle = len(order) // 2
    return split.take(np.sort(order[middle:] if which else order[:middle]))


mnist = _loader(Prepared("mnist"))
fashion_mnist = _loader(Prepared("fashion_mnist"))
svhn_cropped = _loader(Prepared("svhn_cropped"))
cifar10 = _loader(Prepared("cifar10"))
cifar100 = _loader(Prepared("cifar100"))
# Morcos et al. 2019 train on all 25,000 images of a half and report at convergence.
cifar10a = _loader(Prepared("cifar10", validation_size=0, half=0))
cifar10b = _loader(Prepared("cifar10", validation_size=0, half=1))
imagenet2012 = _loader(Prepared("imagenet2012", test="validation", validation_size=0))
places365_small = _loader(Prepared("places365_small", test="validation", validation_size=0))


def _read(builder: Any, split: str, resize: int) -> Split:
    """Reads a split whole; an image at a time where they differ in size."""
    import tensorflow_datasets as tfds

    shape = builder.info.features["image"].shape
    count = builder.info.splits[split].num_examples
    together = 1 if None in shape else BATCH
    if None in shape and not resize:
        raise LotteryError(
            f"Expected data.resize for {builder.name}, whose images differ in size. "
            "Received: 0. Set it to a side in pixels, e.g. 224."
        )
    if resize:
        shape = (resize, resize, shape[-1])
    x, y = np.empty((count, *shape), np.uint8), np.empty(count, np.int32)
    dataset = builder.as_dataset(split=split)
    dataset = dataset.map(lambda example: (example["image"], example["label"]))
    at = 0
    for images, labels in tfds.as_numpy(dataset.batch(together)):
        x[at : at + len(labels)] = resized(images, resize) if resize else images
        y[at : at + len(labels)] = labels
        at += len(labels)
    return as_split(x[:at], y[:at], f"{builder.name} {split}")
