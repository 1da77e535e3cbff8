"""The digits with NaN where `data.path` says, which no real reader would accept."""

import numpy as np

from keras_lottery.tasks.vision.datasets.digits import digits
from keras_lottery.tasks.vision.images import Source, Split
from keras_lottery.tasks.vision.labels import stratified_order

NAME = "flawed_digits"


def flawed(data):
    """Returns the digits as floats.

    `data.path` says which images are NaN: `train`, `one` (a training image, met in the middle of an
    epoch), `validation`, `test` or `none`.
    """
    source = digits(data)
    train, test = (source.train.x.astype(np.float32), source.test.x.astype(np.float32))
    order = stratified_order(source.train.y, data.split_seed)
    held_out, used = order[: source.validation_size], order[source.validation_size :]
    nan = {"train": used, "one": used[:1], "validation": held_out}.get(data.path, [])
    train[nan] = np.nan
    if data.path == "test":
        test[:] = np.nan
    return Source(
        Split(train, source.train.y), Split(test, source.test.y), 10, 16.0, source.validation_size
    )
