"""The `data` and `model` sections of a vision config."""

from collections.abc import Iterable
from dataclasses import dataclass

from keras_lottery.errors import unknown_name
from keras_lottery.tasks.vision.datasets import datasets
from keras_lottery.tasks.vision.models import models

SCALINGS = ("unit", "standard", "none")
AUGMENTATIONS = ("none", "flip_crop")


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

    name: str = "digits"
    dir: str = ""
    path: str = ""
    download: bool = False
    validation_size: int = -1
    train_size: int = 0
    classes: tuple[int, ...] = ()
    channels: int = 0
    resize: int = 0
    scaling: str = "unit"
    augment: str = "none"
    split_seed: int = 0

    def problems(self) -> Iterable[str]:
        if self.name not in datasets:
            yield f"name: {_plain(unknown_name('data set', self.name, datasets))}"
        if self.name in ("folder", "arrays", "idx") and not self.path:
            yield (
                f"path: expected the place of the images for the data set {self.name!r}. "
                "Received none"
            )
        for name, known in (("scaling", SCALINGS), ("augment", AUGMENTATIONS)):
            received = getattr(self, name)
            if received not in known:
                yield f"{name}: expected one of {', '.join(known)}. Received: {received!r}"
        if self.channels not in (0, 3):
            yield f"channels: expected 0 or 3. Received: {self.channels}"
        for name, least in (("validation_size", -1), ("train_size", 0), ("resize", 0)):
            if getattr(self, name) < least:
                yield f"{name}: expected {least} or more. Received: {getattr(self, name)}"
        if len(set(self.classes)) != len(self.classes) or len(self.classes) == 1:
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

    name: str = "lenet"
    hidden: tuple[int, ...] = (300, 100)
    dropout: float = 0.0
    batch_norm_synchronized: bool = False

    def problems(self) -> Iterable[str]:
        if self.name not in models:
            yield f"name: {_plain(unknown_name('model', self.name, models))}"
        if not self.hidden or min(self.hidden) < 1:
            yield f"hidden: expected one width or more, each at least 1. Received: {self.hidden}"
        if not 0 <= self.dropout < 1:
            yield f"dropout: expected a rate from 0 to below 1. Received: {self.dropout}"
        if self.dropout and not self.name.startswith("conv"):
            yield (
                f"dropout: expected 0 for the model {self.name!r}, which has none. "
                f"Received: {self.dropout}"
            )


def _plain(error: Exception) -> str:
    """Returns the message in the form that the config joins to others."""
    text = str(error).rstrip(".")
    return text[0].lower() + text[1:]
