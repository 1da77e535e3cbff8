"""The `data` and `model` sections of a vision config."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, cast

from keras_lottery.config import Config
from keras_lottery.config.fields import (
    Count,
    Distinct,
    Dropout,
    Filled,
    Known,
    OneOf,
    Positive,
    Range,
    ReadWhen,
    Seed,
)

SCALINGS = ("unit", "standard", "none")
MOST_PIXELS = 4096
AUGMENTATIONS = ("none", "flip_crop")
PREPARED = (
    "mnist", "fashion_mnist", "svhn_cropped", "cifar10", "cifar100", "cifar10a", "cifar10b",
    "imagenet2012", "places365_small",
)  # fmt: skip
"""Data sets from tensorflow-datasets."""


class _ReadWhenSplit(ReadWhen):
    """The field has an effect only if images are held out or left out."""

    def __init__(self) -> None:
        super().__init__("validation_size")

    def holds(self, section: object) -> bool:
        data = cast(VisionData, section)
        return bool(data.validation_size or data.train_size)

    def reason(self, section: object) -> str:
        return "while validation_size and train_size are 0"


@dataclass(frozen=True)
class VisionData:
    """The images, how they are split, and how they are preprocessed.

    Args:
        name: name of a registered data set.
        dir: folder of the data sets (for tensorflow-datasets: the folder that contains
            `mnist/3.0.1`); empty: tensorflow-datasets' default.
        path: `folder`, `arrays` and `idx`: the folder of images, .npz file or folder of idx files,
            relative to `dir` if that is set.
        download: download the data set with tensorflow-datasets if it isn't there.
        validation_size: training images held out; -1: as many as in the data set's papers.
        train_size: training images used, with the classes in equal proportion; 0: all.
        classes: labels used, renumbered from 0 in this order; empty: all.
        channels: 3 repeats grayscale images to three channels; 0 leaves the images unchanged.
        resize: side in pixels that images are resized to; 0: no resizing.
        scaling: `unit` (divide by the largest pixel value), `standard` (subtract the mean and
            divide by the standard deviation of each channel of the training images) or `none`.
        augment: `none`, or `flip_crop`: mirror half of the images and shift each by up to 4 pixels.
        split_seed: seeds the choice of the held-out images.
    """

    name: Annotated[str, Known("data set", "keras_lottery.tasks.vision.datasets:datasets")] = (
        "digits"
    )
    dir: Annotated[str, ReadWhen("name", unless=("digits",))] = ""
    path: Annotated[str, ReadWhen("name", unless=("digits", *PREPARED))] = ""
    download: Annotated[bool, ReadWhen("name", unless=("digits", "folder", "arrays", "idx"))] = (
        False
    )
    validation_size: Annotated[int, Range(least=-1)] = -1
    train_size: Count = 0
    classes: Annotated[tuple[Count, ...], Distinct()] = ()
    channels: int = 0
    resize: Annotated[int, Range(least=0, most=MOST_PIXELS)] = 0
    scaling: Annotated[str, OneOf(SCALINGS)] = "unit"
    augment: Annotated[str, OneOf(AUGMENTATIONS)] = "none"
    split_seed: Annotated[Seed, _ReadWhenSplit()] = 0

    def problems(self) -> Iterable[str]:
        if self.name in ("folder", "arrays", "idx") and not self.path:
            yield (
                f"path: expected the path of the images for the data set {self.name!r}. "
                "Received none"
            )
        if self.channels not in (0, 3):
            yield f"channels: expected 0 or 3. Received: {self.channels}"
        if len(self.classes) == 1:
            yield f"classes: expected two or more different labels. Received: {self.classes}"


@dataclass(frozen=True)
class VisionModel:
    """The network.

    Args:
        name: name of a registered model.
        hidden: `lenet`: widths of the hidden layers.
        dropout: `conv2`, `conv4`, `conv6`: rate after each hidden dense layer.
        batch_norm_synchronized: batch norm takes its statistics over all devices.
    """

    name: Annotated[str, Known("model", "keras_lottery.tasks.vision.models:models")] = "lenet"
    hidden: Annotated[
        tuple[Positive, ...],
        Filled(),
        ReadWhen("name", unless=("conv[246]", "small_cnn", "resnet*", "vgg*")),
    ] = (300, 100)
    dropout: Annotated[
        Dropout, ReadWhen("name", unless=("lenet", "small_cnn", "resnet*", "vgg*"))
    ] = 0.0
    batch_norm_synchronized: Annotated[bool, ReadWhen("name", unless=("lenet", "conv[246]"))] = (
        False
    )


VisionConfig = Config[VisionData, VisionModel]
"""A config of this task."""
