"""The `data` and `model` sections of a vision config."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

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
"""Those that tensorflow-datasets prepares."""


@dataclass(frozen=True)
class VisionData:
    """Which images, how they are split, and what is done to them.

    Args:
        name: name of a registered data set.
        dir: where data sets lie on this machine (for tensorflow-datasets: the folder that holds
            `mnist/3.0.1`); empty: tensorflow-datasets' own place.
        path: `folder`, `arrays` and `idx`: the folder of images, .npz file or folder of idx files,
            relative to `dir` where that is set.
        download: fetch the data set with tensorflow-datasets where it is not there.
        validation_size: training images held out; -1: as many as the data set's papers hold out.
        train_size: training images used, the same share of every class; 0: all.
        classes: labels that are used, renumbered from 0 in this order; empty: all.
        channels: 3 repeats grey images to three channels; 0 leaves the images as they are.
        resize: side in pixels that images are resized to; 0: as they are.
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
    split_seed: Seed = 0

    def problems(self) -> Iterable[str]:
        if self.name in ("folder", "arrays", "idx") and not self.path:
            yield (
                f"path: expected the place of the images for the data set {self.name!r}. "
                "Received none"
            )
        if self.channels not in (0, 3):
            yield f"channels: expected 0 or 3. Received: {self.channels}"
        if len(self.classes) == 1:
            yield f"classes: expected two or more different labels. Received: {self.classes}"


@dataclass(frozen=True)
class VisionModel:
    """Which network.

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
    dropout: Dropout = 0.0
    batch_norm_synchronized: Annotated[bool, ReadWhen("name", unless=("lenet", "conv[246]"))] = (
        False
    )

    def problems(self) -> Iterable[str]:
        if self.dropout and not self.name.startswith("conv"):
            yield (
                f"dropout: expected 0 for the model {self.name!r}, which has none. "
                f"Received: {self.dropout}"
            )
