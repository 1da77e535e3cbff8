"""The networks of `benchmarks.what_you_get`: three that are trained, three with random weights."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import keras
import numpy as np
from keras import layers

import keras_lottery as kl
from benchmarks import zoo
from benchmarks.half_the_flops import trained
from keras_lottery.tasks.language.modeling import corpus as corpora
from keras_lottery.tasks.language.modeling.config import LanguageModelingData
from keras_lottery.tasks.vision.config import VisionData
from keras_lottery.tasks.vision.data import load

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
class Examples:
    """Inputs and labels.

    Args:
        train: of the training.
        test: those whose accuracy is measured.
        about: what they are.
    """

    train: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]
    about: str


@dataclass(frozen=True)
class Trained(Network):
    """A classifier that is trained, pruned and fine-tuned.

    Args:
        build: returns the untrained network for the examples.
        load: returns the examples.
        epochs: of the dense network with Adam.
        finetune_epochs: of a pruned one.
        batch_size: of both.
    """

    build: Callable[[Examples], keras.Model]
    load: Callable[[], Examples]
    epochs: int
    finetune_epochs: int
    batch_size: int = 64

    @cached_property
    def examples(self) -> Examples:
        return self.load()

    def variant(self, variant: Variant, folder: Path) -> keras.Model:
        keras.utils.set_random_seed(0)
        x, y = self.examples.train

        def dense() -> keras.Model:
            model = self.build(self.examples)
            model.compile(keras.optimizers.Adam(1e-3), _loss(), metrics=["accuracy"])
            model.fit(x, y, batch_size=self.batch_size, epochs=self.epochs, verbose=2)
            return model

        kept = f"{self.name} {self.examples.about} {self.epochs}".replace(" ", "_")
        model = trained(folder / f"{kept}.keras", dense)
        if variant == DENSE:
            return model
        scope = "layer" if variant.pattern == "channels" else "global"
        model = _pruned(model, variant, scope)
        model.compile(keras.optimizers.Adam(5e-4), _loss(), metrics=["accuracy"])
        model.fit(x, y, batch_size=self.batch_size, epochs=self.finetune_epochs, verbose=2)
        return _plain(model, variant)

    def test(self) -> tuple[np.ndarray, np.ndarray]:
        return self.examples.test

    @property
    def about(self) -> str:
        return (
            f"Trained for {self.epochs} epochs on {self.examples.about}, pruned in one shot, "
            f"fine-tuned for {self.finetune_epochs}. Accuracy of the artifact on "
            f"{self.test()[1].size:,} test labels."
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


def images(data: VisionData, test_size: int = 2000) -> Examples:
    """Returns the images of a data set, scaled to [0, 1]."""
    found = load(data)
    scale = np.float32(1 / found.maximum)
    train, test = found.train, found.test
    return Examples(
        (np.multiply(train.x, scale), train.y),
        (np.multiply(test.x[:test_size], scale), test.y[:test_size]),
        f"{len(train):,} images of {data.name}",
    )


def next_words(folder: str, tokens: int = 200_000, steps: int = 20) -> Examples:
    """Returns windows of the Penn Treebank, and the next word of each word in them."""
    corpus = corpora.load(
        LanguageModelingData(
            dir=folder,
            train="ptb.train.txt.gz",
            test="ptb.test.txt.gz",
            min_count=20,
            train_tokens=tokens,
            test_tokens=tokens // 10,
        )
    )

    def windows(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        count = (len(ids) - 1) // steps
        inputs, labels = (ids[i : i + count * steps].reshape(count, steps) for i in (0, 1))
        return inputs, labels

    about = f"{tokens:,} words of the Penn Treebank, {len(corpus.vocabulary):,} different ones"
    return Examples(windows(corpus.train), windows(corpus.test), about)


def tagger(examples: Examples) -> keras.Model:
    """Returns two LSTMs that tag each word with the next."""
    words = 1 + max(int(y.max()) for _, y in (examples.train, examples.test))
    tokens = keras.Input(examples.train[0].shape[1:], dtype="int32")
    x = layers.Embedding(words, 128)(tokens)
    for _ in range(2):
        x = layers.LSTM(128, return_sequences=True)(x)
    return keras.Model(tokens, layers.Dense(words)(x))


def mlp(examples: Examples) -> keras.Model:
    """Returns LeNet-300-100."""
    shape = examples.train[0].shape[1:]
    dense = [layers.Dense(300, "relu"), layers.Dense(100, "relu"), layers.Dense(10)]
    return keras.Sequential([keras.Input(shape), layers.Flatten(), *dense])


def cnn(examples: Examples) -> keras.Model:
    """Returns a network of four convolutions."""
    model = keras.Sequential([keras.Input(examples.train[0].shape[1:])])
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


def networks(data_dir: str, ptb_dir: str, quick: bool = False) -> dict[str, Network]:
    """Returns the networks by name.

    Args:
        data_dir: prepared folder of tensorflow-datasets; empty: the digits of scikit-learn.
        ptb_dir: folder of the Penn Treebank; empty: a tagger with random weights.
        quick: little training.
    """

    def data(name: str, train_size: int) -> Callable[[], Examples]:
        if data_dir:
            chosen = VisionData(name=name, dir=data_dir, train_size=train_size, validation_size=0)
            return partial(images, chosen)
        return partial(images, VisionData(validation_size=0))

    epochs = 1 if quick else (6 if data_dir else 30)
    tuning = 1 if quick else epochs // 3
    words = partial(next_words, ptb_dir)
    found: tuple[Network, ...] = (
        Trained("MLP", mlp, data("mnist", 20_000), epochs, tuning),
        Trained("CNN", cnn, data("cifar10", 10_000), epochs, tuning),
        Random("MobileNetV2", partial(zoo.application, "MobileNetV2")),
        Random("ResNet-50", partial(zoo.application, "ResNet50")),
        Random("BERT", bert),
        Trained("LSTM tagger", tagger, words, epochs, tuning, batch_size=16)
        if ptb_dir
        else Random("LSTM tagger", partial(zoo.lstm_tagger, 128)),
    )
    return {network.name: network for network in found}
