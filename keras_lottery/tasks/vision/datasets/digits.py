"""The handwritten digits that ship with scikit-learn: 1,797 images of 8 × 8 pixels, 0 to 16."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from keras_lottery.cache import Arrays, decoded
from keras_lottery.tasks.vision.config import VisionData
from keras_lottery.tasks.vision.images import Source, as_split
from keras_lottery.tasks.vision.labels import stratified_order

TEST_SIZE = 397
"""Leaves 1,400 images: 1,200 to train on and 200 for validation."""


def digits(data: VisionData) -> Source:
    """Returns the digits with a fixed test set; the data set itself has no split."""
    # Cached, since the import of scikit-learn takes longer than everything else about them.
    arrays = decoded(_package() / "datasets" / "data", {"name": "digits"}, _read)
    every = as_split(arrays["images"], arrays["labels"], "digits")
    order = stratified_order(every.y, seed=0)
    return Source(
        train=every.take(np.sort(order[TEST_SIZE:])),
        test=every.take(np.sort(order[:TEST_SIZE])),
        classes=10,
        maximum=16.0,
        validation_size=200,
    )


def _package() -> Path:
    """Returns scikit-learn's folder, without importing it."""
    spec = find_spec("sklearn")
    return Path(spec.origin if spec and spec.origin else "sklearn").parent


def _read() -> Arrays:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return {"images": bunch.images.astype(np.uint8), "labels": bunch.target}
