"""The handwritten digits that ship with scikit-learn: 1,797 images of 8 × 8 pixels, 0 to 16."""

import numpy as np
from sklearn.datasets import load_digits

from keras_lottery.tasks.vision.config import VisionData
from keras_lottery.tasks.vision.images import Source, as_split
from keras_lottery.tasks.vision.labels import stratified_order

TEST_SIZE = 397
"""Leaves 1,400 images: 1,200 to train on and 200 for validation."""


def digits(data: VisionData) -> Source:
    """Returns the digits with a fixed test set; the data set itself has no split."""
    bunch = load_digits()
    every = as_split(bunch.images.astype(np.uint8), bunch.target, "digits")
    order = stratified_order(every.y, seed=0)
    return Source(
        train=every.take(np.sort(order[TEST_SIZE:])),
        test=every.take(np.sort(order[:TEST_SIZE])),
        classes=10,
        maximum=16.0,
        validation_size=200,
    )
