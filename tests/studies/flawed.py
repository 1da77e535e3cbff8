"""The digits with NaN where `data.path` says: a data set that no reader would let through."""

import numpy as np

from keras_lottery.tasks.vision.datasets import datasets
from keras_lottery.tasks.vision.datasets.digits import digits
from keras_lottery.tasks.vision.images import Source, Split
from keras_lottery.tasks.vision.labels import stratified_order

NAME = "flawed_digits"


@datasets.register(NAME)
def flawed(data):
    """Returns the digits as floats.

    NaN are all training images (`data.path` is `train`), one of them (`one`), which is met in the
    middle of an epoch, those for validation, or those for the test; under `none` nothing is.
    """
    found = digits(data)
    train, test = (found.train.x.astype(np.float32), found.test.x.astype(np.float32))
    order = stratified_order(found.train.y, data.split_seed)
    held_out, used = order[: found.validation_size], order[found.validation_size :]
    nan = {"train": used, "one": used[:1], "validation": held_out}.get(data.path, [])
    train[nan] = np.nan
    if data.path == "test":
        test[:] = np.nan
    return Source(
        Split(train, found.train.y), Split(test, found.test.y), 10, 16.0, found.validation_size
    )
