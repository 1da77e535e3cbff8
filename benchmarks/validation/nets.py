"""The networks whose freshly drawn weights are pruned by both."""

import numpy as np

from keras_lottery import presets
from keras_lottery.config import Config, freeze
from keras_lottery.tasks.vision.images import Images, Split
from keras_lottery.tasks.vision.task import VisionTask
from keras_lottery.types import Weights

SHAPES = {"digits": (8, 8, 1), "mnist": (28, 28, 1), "cifar10": (32, 32, 3)}
"""Height, width and channels of the data sets of the presets."""


def built(preset: str) -> tuple[Config, VisionTask]:
    """Returns a preset and its task on images that are all zero: its model, without its data."""
    config = freeze(presets.load(preset).to_dict())
    x = np.zeros((config.train.batch_size, *SHAPES[config.data.name]), np.uint8)
    few = Split(x, (np.arange(len(x)) % 10).astype(np.int32))
    return config, VisionTask(config, Images(train=few, validation=few, test=few, classes=10))


def fresh_weights(preset: str, seed: int = 0) -> Weights:
    """Returns the prunable weights of a preset's network, freshly drawn."""
    _, task = built(preset)
    weights = task.start_weights(seed)
    return {info.path: weights[info.path] for info in task.variables() if info.prunable}
