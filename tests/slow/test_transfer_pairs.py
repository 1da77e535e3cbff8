"""Every pair of data sets of Morcos et al. 2019: a source's ticket takes steps on the target."""

from types import SimpleNamespace

import numpy as np
import pytest

import keras_lottery.studies  # noqa: F401  registers the study
from keras_lottery.arms import starts
from keras_lottery.config import freeze, presets
from keras_lottery.pruning import prune_to
from keras_lottery.studies.transfer.run import variant
from keras_lottery.tasks.vision.images import Images, Split
from keras_lottery.tasks.vision.task import VisionTask
from keras_lottery.types import Start, Training

CLASSES = {
    "fashion_mnist": 10, "svhn": 10, "cifar10": 10, "cifar100": 100, "imagenet": 1000,
    "places365": 365,
}  # fmt: skip


class Silent:
    def update(self, step: int, of: int, loss: float) -> None:
        """Says nothing."""


def task(preset: str, name: str) -> VisionTask:
    """The variant's task over images made at 32 pixels, three channels as the config makes them."""
    short = {"train.length": "2it", "train.batch_size": 2, "rewind.to": "1it"}
    short |= {f"options.variants.{large}.rewind.to": "1it" for large in ("imagenet", "places365")}
    short |= {"optimizer.boundaries": ("1it",), "optimizer.learning_rate": 1e-3}
    config = variant(freeze(presets.load(preset, short)), name)
    assert config.data.channels == 3 and not config.prune.output
    x = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    every = Split(x, np.arange(4, dtype=np.int32))
    return VisionTask(
        config, Images(train=every, validation=None, test=every, classes=CLASSES[name])
    )


@pytest.mark.parametrize("preset", ["morcos2019/vgg19_transfer", "morcos2019/resnet50_transfer"])
def test_all_pairs(preset):
    options = freeze(presets.load(preset)).options
    assert set(options.of("sources")) == set(options.of("targets")) == set(CLASSES)
    tickets = {}
    for name in CLASSES:
        source = task(preset, name)
        weights = source.start_weights(0)
        masks = prune_to(weights, {}, source.variables(), 0.9)
        assert not any("output" in path for path in masks)
        tickets[name] = Start(weights, masks)
    for name in CLASSES:
        target = task(preset, name)
        view = SimpleNamespace(task=target, source_start_of=lambda t: tickets[t.source])
        for source in CLASSES:
            key = Training(source, "vision", 0, 1, "winning")
            start = starts.transferred(key, view)
            outcome = target.fit(key, start, Silent())
            assert outcome.steps == 2 and np.isfinite(outcome.history[-1]["loss"])
            for path, mask in tickets[source].masks.items():
                assert not outcome.weights[path][~mask].any()
