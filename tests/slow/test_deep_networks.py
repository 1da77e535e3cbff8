"""Deep networks take steps, are pruned and take more, with the model that was compiled once."""

import numpy as np
import pytest

import keras_lottery.tasks  # noqa: F401  registers the tasks
from keras_lottery.config import freeze
from keras_lottery.pruning import prune_round
from keras_lottery.tasks.vision.images import Images, Split
from keras_lottery.tasks.vision.task import VisionTask
from keras_lottery.types import Start, Training

pytestmark = pytest.mark.backend


class Silent:
    def update(self, step: int, of: int, loss: float) -> None:
        """Says nothing."""


@pytest.mark.parametrize("name", ["resnet20", "vgg16", "vgg19", "resnet50"])
def test_steps_before_and_after_a_prune(name):
    config = freeze(
        {
            "name": "deep",
            "task": "vision",
            "model": {"name": name},
            "data": {"scaling": "standard"},
            "optimizer": {"name": "sgd", "learning_rate": 0.01, "momentum": 0.9},
            "train": {"length": "3it", "batch_size": 4, "eval_every": 3},
            "prune": {"rate": 0.9},
        }
    )
    x = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    every = Split(x, np.arange(8, dtype=np.int32))
    task = VisionTask(config, Images(train=every, validation=None, test=every, classes=10))

    start = task.start_weights(0)
    first = task.fit(Training("", "vision", 0, 0, "dense"), Start(start), Silent())
    variables = task.variables()
    masks = prune_round(first.weights, {}, variables, config.prune, 1, seed=0)
    second = task.fit(Training("", "vision", 0, 1, "winning"), Start(start, masks), Silent())

    kept = sum(np.count_nonzero(m) for m in masks.values())
    assert kept == pytest.approx(0.1 * sum(v.size for v in variables if v.prunable), rel=1e-3)
    # Not the loss on the test set: after 3 steps batch norm's moving statistics are far off.
    assert all(np.isfinite(row["loss"]) for row in first.history + second.history)
    assert second.compile_seconds == 0
    moved = [p for p in start if "moving_mean" in p and (start[p] != second.weights[p]).any()]
    assert moved
    for path, mask in masks.items():
        assert not second.weights[path][~mask].any()
    assert 0 < task.flops(masks) < task.flops({})
