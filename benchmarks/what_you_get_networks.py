"""The networks of `benchmarks.what_you_get`: two that are trained, four with random weights."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import keras
import numpy as np
from keras import layers

import keras_lottery as kl
from benchmarks import zoo
from benchmarks.half_the_flops import trained
from keras_lottery.tasks.vision.config import VisionData
from keras_lottery.tasks.vision.data import load
from keras_lottery.tasks.vision.images import Images, Split

WEIGHTS = (0.5, 0.8, 0.9, 0.95, 0.99)
CHANNELS = (0.25, 0.5, 0.75)


@dataclass(frozen=True)
class Variant:
    """What is removed from a network.

    Args:
        pattern: `dense` for nothing, `weights`, or `channels`, which are removed by compaction.
        sparsity: fraction removed.
    """

    pattern: str
    sparsity: float

    def __str__(self) -> str:
        return self.pattern if self.pattern == "dense" else f"{self.sparsity:.0%} of {self.pattern}"


DENSE = Variant("dense", 0.0)
VARIANTS = (
    DENSE,
    *(Variant("weights", sparsity) for sparsity in WEIGHTS),
    *(Variant("channels", sparsity) for sparsity in CHANNELS),
)


@dataclass(frozen=True)
class Network(ABC):
    """A network whose variants are measured.

    Args:
        name: shown on the page.
    """

    name: str

    @abstractmethod
    def variant(self, variant: Variant, folder: Path) -> keras.Model:
        """Returns the network without masks, pruned and compacted.

        Args:
            variant: what to remove.
            folder: where trained networks are kept.
        """

    @property
    @abstractmethod
    def about(self) -> str:
        """Returns a sentence on its weights and data."""

    def test(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Returns test images and labels; None: the network isn't trained."""
        return None


@dataclass(frozen=True)
class Random(Network):
    """A network with random weights.

    Args:
        build: returns it.
    """

    build: Callable[[], keras.Model]

    def variant(self, variant: Variant, folder: Path) -> keras.Model:
        keras.utils.set_random_seed(0)
        model = zoo.randomize(self.build())
        return model if variant == DENSE else _plain(_pruned(model, variant, "layer"), variant)

    @property
    def about(self) -> str:
        return "Random weights; every layer is pruned alike."


@dataclass(frozen=True)
class Trained(Network):
    """An image classifier that is trained, pruned and fine-tuned.

    Args:
        build: returns the untrained network for images of a shape.
        data: the images.
        epochs: of the dense network with Adam.
        finetune_epochs: of a pruned one.
        test_size: test images whose accuracy is measured.
    """

    build: Callable[[tuple[int, ...]], keras.Model]
    data: VisionData
    epochs: int
    finetune_epochs: int
    test_size: int = 2000

    @cached_property
    def images(self) -> Images:
        images = load(self.data)
        scale = np.float32(1 / images.maximum)

        def scaled(split: Split) -> Split:
            return Split(split.x * scale, split.y)

        return replace(images, train=scaled(images.train), test=scaled(images.test))

    def variant(self, variant: Variant, folder: Path) -> keras.Model:
        keras.utils.set_random_seed(0)
        x, y = self.images.train.x, self.images.train.y

        def dense() -> keras.Model:
            model = self.build(x.shape[1:])
            model.compile(keras.optimizers.Adam(1e-3), _loss(), metrics=["accuracy"])
            model.fit(x, y, batch_size=64, epochs=self.epochs, verbose=2)
            return model

        model = trained(folder / f"{self.name}_{self.data.name}_{self.epochs}.keras", dense)
        if variant == DENSE:
            return model
        scope = "layer" if variant.pattern == "channels" else "global"
        model = _pruned(model, variant, scope)
        model.compile(keras.optimizers.Adam(5e-4), _loss(), metrics=["accuracy"])
        model.fit(x, y, batch_size=64, epochs=self.finetune_epochs, verbose=2)
        return _plain(model, variant)

    def test(self) -> tuple[np.ndarray, np.ndarray]:
        split = self.images.test
        return split.x[: self.test_size], split.y[: self.test_size]

    @property
    def about(self) -> str:
        return (
            f"Trained for {self.epochs} epochs on {len(self.images.train):,} images of "
            f"{self.data.name}, pruned in one shot, fine-tuned for {self.finetune_epochs}. "
            f"Accuracy of the artifact on {len(self.test()[1]):,} test images."
        )


def _pruned(model: keras.Model, variant: Variant, scope: str) -> keras.Model:
    """Returns the masked network."""
    model = kl.mask(model)
    kl.prune(model, sparsity=variant.sparsity, pattern=variant.pattern, scope=scope)
    return model


def _plain(model: keras.Model, variant: Variant) -> keras.Model:
    return kl.compact(model) if variant.pattern == "channels" else kl.strip(model)


def _loss() -> keras.losses.Loss:
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def mlp(shape: tuple[int, ...]) -> keras.Model:
    """Returns LeNet-300-100."""
    dense = [layers.Dense(300, "relu"), layers.Dense(100, "relu"), layers.Dense(10)]
    return keras.Sequential([keras.Input(shape), layers.Flatten(), *dense])


def cnn(shape: tuple[int, ...]) -> keras.Model:
    """Returns a network of four convolutions."""
    model = keras.Sequential([keras.Input(shape)])
    for filters in (16, 32):
        for _ in range(2):
            model.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        model.add(layers.MaxPooling2D())
    for layer in (layers.Flatten(), layers.Dense(128, "relu"), layers.Dense(10)):
        model.add(layer)
    return model


def bert() -> keras.Model:
    """Returns a BERT of the size that its authors call tiny, with fewer words."""
    import keras_hub

    return keras_hub.models.BertBackbone(
        vocabulary_size=2000,
        num_layers=2,
        num_heads=2,
        hidden_dim=128,
        intermediate_dim=512,
        max_sequence_length=16,
    )


def networks(data_dir: str, quick: bool = False) -> dict[str, Network]:
    """Returns the networks by name.

    Args:
        data_dir: prepared folder of tensorflow-datasets; empty: the digits of scikit-learn.
        quick: little training.
    """

    def data(name: str, train_size: int) -> VisionData:
        if data_dir:
            return VisionData(name=name, dir=data_dir, train_size=train_size, validation_size=0)
        return VisionData(validation_size=0)

    mnist, cifar = data("mnist", 20_000), data("cifar10", 10_000)
    epochs = 1 if quick else (6 if data_dir else 30)
    tuning = 1 if quick else epochs // 3
    found: tuple[Network, ...] = (
        Trained("MLP", mlp, mnist, epochs, tuning),
        Trained("CNN", cnn, cifar, epochs, tuning),
        Random("MobileNetV2", partial(zoo.application, "MobileNetV2")),
        Random("ResNet-50", partial(zoo.application, "ResNet50")),
        Random("BERT", bert),
        Random("LSTM tagger", partial(zoo.lstm_tagger, 128)),
    )
    return {network.name: network for network in found}
