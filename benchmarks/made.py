"""Networks and synthetic data for the benchmarks; times don't depend on the data's values."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

import keras_lottery as kl
from keras_lottery.backend.distribution import Distribution
from keras_lottery.tasks.vision.config import VisionModel
from keras_lottery.tasks.vision.models import ImageInput, models
from keras_lottery.training.compilation import Compilation
from keras_lottery.training.programs import make_program

Call = Callable[[], object]

MNIST = (28, 28, 1)
CIFAR = (32, 32, 3)


@dataclass(frozen=True)
class Case:
    """A network and its training data.

    Args:
        name: for the table.
        build: returns a new plain model.
        inputs: `(examples) -> array`.
        batch: examples per step.
        steps: steps per timing.
    """

    name: str
    build: Callable[[], keras.Model]
    inputs: Callable[[int], Any]
    batch: int
    steps: int

    def data(self, steps: int | None = None) -> tuple[Any, Any]:
        """Returns inputs and labels for a number of steps."""
        examples = self.batch * (steps or self.steps)
        labels = np.random.default_rng(1).integers(0, 10, examples)
        return self.inputs(examples), labels.astype(np.int32)

    def compiled(self, masked: bool, **settings: Any) -> keras.Model:
        """Returns a compiled model with the same weights each time; half pruned if masked."""
        keras.utils.set_random_seed(0)
        model = self.build()
        if masked:
            model = kl.mask(model)
            kl.prune(model, sparsity=0.5)
        model.compile(keras.optimizers.Adam(1.2e-3), loss(), metrics=["accuracy"], **settings)
        model.optimizer.build(model.trainable_variables)
        model.test_on_batch(*(part[:1] for part in self.data(1)))
        return model


def image_case(
    name: str, network: str, shape: tuple[int, int, int], batch: int, steps: int
) -> Case:
    """Returns a case of one of the package's own networks."""

    def build() -> keras.Model:
        images = ImageInput(shape, classes=10, dtype="float32")
        return models[network](images, VisionModel(name=network))

    def inputs(examples: int) -> Any:
        return np.random.default_rng(0).random((examples, *shape), np.float32)

    return Case(name, build, inputs, batch, steps)


def lenet(steps: int) -> Case:
    """LeNet-300-100 on images of MNIST's size."""
    return image_case("LeNet-300-100, batch 60, Adam", "lenet", MNIST, 60, steps)


def conv2() -> Case:
    """Conv-2 on images of CIFAR-10's size."""
    return image_case("Conv-2, batch 60, Adam", "conv2", CIFAR, 60, 5)


def resnet20() -> Case:
    """ResNet-20 on images of CIFAR-10's size."""
    return image_case("ResNet-20, batch 128, Adam", "resnet20", CIFAR, 128, 3)


def lstm() -> Case:
    """A small LSTM over sequences of 20 words."""

    def build() -> keras.Model:
        layers = keras.layers
        words = [keras.Input((20,), dtype="int32"), layers.Embedding(1000, 32)]
        return keras.Sequential([*words, layers.LSTM(64), layers.Dense(10)])

    def inputs(examples: int) -> Any:
        return np.random.default_rng(0).integers(0, 1000, (examples, 20)).astype(np.int32)

    return Case("LSTM of 64 units, batch 32, Adam", build, inputs, 32, 50)


def transformer() -> Case:
    """A Transformer encoder of two layers over sequences of 20 words."""

    def build() -> keras.Model:
        layers = keras.layers
        inputs = keras.Input((20,), dtype="int32")
        x = layers.Embedding(1000, 64)(inputs)
        for _ in range(2):
            attended = layers.MultiHeadAttention(4, 16)(x, x)
            x = layers.LayerNormalization()(layers.Add()([x, attended]))
            inner = layers.Dense(64)(layers.Dense(128, activation="relu")(x))
            x = layers.LayerNormalization()(layers.Add()([x, inner]))
        return keras.Model(inputs, layers.Dense(10)(layers.GlobalAveragePooling1D()(x)))

    def inputs(examples: int) -> Any:
        return np.random.default_rng(0).integers(0, 1000, (examples, 20)).astype(np.int32)

    return Case("Transformer encoder of width 64, batch 32, Adam", build, inputs, 32, 50)


def loss() -> keras.losses.Loss:
    """Returns the loss of every case."""
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def steps_call(
    model: keras.Model, arrays: Any, order: Any, compilation: Compilation | None = None
) -> Call:
    """Returns a call that runs training steps and waits for them to finish.

    Args:
        model: compiled, its metrics built.
        arrays: inputs and labels.
        order: examples of the steps, `(steps, batch)`.
        compilation: how it is compiled; None: as in the package.
    """
    program = make_program(model, Distribution(), compilation)
    data, steps = program.put(arrays), len(order)

    def call() -> None:
        program.train(data, order, steps)
        keras.ops.convert_to_numpy(model.trainable_variables[-1].value)

    return call
