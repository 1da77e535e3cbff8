"""Images from tensorflow-datasets."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_lottery.cache import Arrays, decoded
from keras_lottery.errors import LotteryError
from keras_lottery.tasks.tfds import prepared_builder, prepared_folder, reading
from keras_lottery.tasks.vision.config import VisionData
from keras_lottery.tasks.vision.images import Source, Split, as_split
from keras_lottery.tasks.vision.labels import stratified_order
from keras_lottery.tasks.vision.preprocessing import resized

BATCH = 1000


@dataclass(frozen=True)
class Prepared:
    """A data set of tensorflow-datasets.

    Args:
        name: its name.
        test: the split that papers report on; the validation split if test labels are secret.
        validation_size: training images that papers hold out.
        half: 0 or 1: only this half of the training images; None: all.
    """

    name: str
    test: str = "test"
    validation_size: int = 5000
    half: int | None = None


def _loader(prepared: Prepared) -> Callable[[VisionData], Source]:
    def read(data: VisionData) -> Arrays:
        builder = prepared_builder(
            prepared.name, data.dir, data.download, splits=("train", prepared.test)
        )
        train = _read(builder, "train", data.resize)
        test = _read(builder, prepared.test, data.resize)
        arrays = {"train_x": train.x, "train_y": train.y, "test_x": test.x, "test_y": test.y}
        return arrays | {"classes": np.array(builder.info.features["label"].num_classes)}

    def load(data: VisionData) -> Source:
        folder = prepared_folder(prepared.name, data.dir)
        if folder is None:  # prepares it, or raises an error if it is missing
            arrays = read(data)
        else:
            key = {"test": prepared.test, "resize": data.resize}
            arrays = decoded(folder, key, lambda: read(data))
        train = Split(arrays["train_x"], arrays["train_y"])
        return Source(
            train=train if prepared.half is None else half(train, prepared.half),
            test=Split(arrays["test_x"], arrays["test_y"]),
            classes=int(arrays["classes"]),
            validation_size=prepared.validation_size,
        )

    return load


def half(split: Split, which: int) -> Split:
    """Returns one of two disjoint halves with equally many images of every class."""
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
    """Reads a whole split, one image at a time if they differ in size."""
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
    at = 0
    with reading(builder.data_path):
        dataset = builder.as_dataset(split=split)
        dataset = dataset.map(lambda example: (example["image"], example["label"]))
        for images, labels in tfds.as_numpy(dataset.batch(together)):
            x[at : at + len(labels)] = resized(images, resize) if resize else images
            y[at : at + len(labels)] = labels
            at += len(labels)
    return as_split(x[:at], y[:at], f"{builder.name} {split}")
