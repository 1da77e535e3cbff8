"""A plugin: a task, a data set, a network with a custom layer, an arm and a criterion."""

import keras
import numpy as np

from keras_lottery.arms import arms, starts
from keras_lottery.config import TaskSchema, task_schemas
from keras_lottery.protocols import Arm
from keras_lottery.pruning import Score, criterion
from keras_lottery.tasks.vision.config import VisionData, VisionModel
from keras_lottery.tasks.vision.datasets import datasets
from keras_lottery.tasks.vision.images import Source, as_split
from keras_lottery.tasks.vision.models import models

task_schemas.add(
    "bar_images", TaskSchema(VisionData, VisionModel, "keras_lottery.tasks.vision.task:VisionTask")
)


@datasets.register("bars")
def bars(data):
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 2
    pixels = rng.integers(0, 100, (200, 4, 4), dtype=np.uint8)
    pixels[labels == 1, 0] += 100
    images = as_split(pixels, labels, "bars")
    first, last = np.arange(150), np.arange(150, 200)
    return Source(images.take(first), images.take(last), classes=2, validation_size=20)


@keras.saving.register_keras_serializable("example_plugin")
class Doubled(keras.layers.Layer):
    def call(self, x):
        return 2 * x


@models.register("doubled")
def doubled(images, model):
    inputs = keras.Input(images.shape, dtype=images.dtype)
    x = keras.layers.Flatten()(keras.ops.cast(inputs, "float32"))
    x = Doubled()(keras.layers.Dense(8, activation="relu")(x / 255))
    return keras.Model(inputs, keras.layers.Dense(images.classes)(x))


@criterion("last_weights", needs=("final",))
def last_weights(inputs):
    return Score(np.arange(inputs.final.size, dtype="float32").reshape(inputs.final.shape), True)


class Twin(Arm):
    """The ticket once more."""

    name = "twin"

    def parents(self, training):
        return (starts.winning_of(training),)

    def start(self, training, run):
        return run.start_of(starts.winning_of(training))


arms.add("twin", Twin())
