"""Data sets that tensorflow-datasets prepares; TensorFlow is imported here alone, to read them."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_lottery import backend
from keras_lottery.errors import LotteryError, MissingExtraError
from keras_lottery.tasks.vision.images import Source, Split, as_split
from keras_lottery.tasks.vision.resize import resized
from keras_lottery.tasks.vision.split import stratified_order

if TYPE_CHECKING:
    from keras_lottery.tasks.vision.config import VisionData

BATCH = 1000
SHOWN = 8


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


def _loader(prepared: Prepared) -> Callable[["VisionData"], Source]:
    def load(data: "VisionData") -> Source:
        builder = _builder(prepared.name, data.dir, data.download)
        for split in ("train", prepared.test):
            if split not in builder.info.splits:
                raise LotteryError(
                    f"Expected the split {split!r} of {prepared.name} in {builder.data_path}. "
                    f"Received: {', '.join(builder.info.splits) or 'none'}. "
                    "Prepare the data set again."
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


def _builder(name: str, place: str, download: bool) -> Any:
    """Returns the builder of a prepared data set; fetches it only where `download` says so."""
    root = Path(place or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets").expanduser()
    if not root.is_dir() and not download:
        raise LotteryError(
            f"Expected the folder of prepared data sets. Received: {root}, which is not there. "
            f"Set data.dir to the folder that holds {name}/, or data.download=True."
        )
    versions = sorted(
        (info.parent for info in root.glob(f"{name}/**/dataset_info.json")), key=_version
    )
    if not versions and not download:
        there = sorted(p.name for p in root.iterdir() if p.is_dir())
        there = [*there[:SHOWN], "..."] if len(there) > SHOWN else there
        raise LotteryError(
            f"Expected the data set {name!r} as tensorflow-datasets prepares it, in {root}. "
            f"Received: {', '.join(there) or 'an empty folder'}. "
            "Set data.dir to where it lies, or data.download=True."
        )
    tfds = _tensorflow_datasets()
    if versions:
        return tfds.builder_from_directory(versions[-1])
    builder = tfds.builder(name, data_dir=root)
    builder.download_and_prepare()
    return builder


def _version(folder: Path) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else 0 for part in folder.name.split("."))


def _tensorflow_datasets() -> Any:
    """Returns the package, with TensorFlow kept from the devices of another backend."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        import tensorflow as tf
    except ImportError as error:
        raise MissingExtraError("tensorflow", "data") from error
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise MissingExtraError("tensorflow-datasets", "data") from error
    if backend.name() != "tensorflow":
        tf.config.set_visible_devices([], "GPU")
    return tfds


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
