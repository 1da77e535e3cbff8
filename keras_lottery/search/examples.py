"""The training examples over which a search averages derivatives of the loss."""

from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np

from keras_lottery.errors import LotteryError
from keras_lottery.search.settings import DEFAULTS
from keras_lottery.training import is_arrays, length
from keras_lottery.training.arrays import weighted_and_split


def examples_of(
    x: Any, y: Any, settings: Mapping[str, Any], count: int, seed: int
) -> tuple[Any, ...]:
    """Returns random training examples as `(x, y)` or `(x, y, sample_weight)`, in NumPy arrays.

    Of a PyDataset they are random batches, of other data its first batches.

    Args:
        x: as in `fit`.
        y: as in `fit`.
        settings: its other arguments.
        count: the largest number of examples; of data in batches, enough batches for it.
        seed: seed of the choice.

    Raises:
        LotteryError: batches differ in shape, or there are no targets.
    """
    settings = {**DEFAULTS, **settings, "y": y}
    rng = np.random.default_rng(seed)
    if not is_arrays(x):
        x, y, weight = _joined(_batches(x, rng), count)
        settings |= {"y": y, "sample_weight": weight, "validation_split": 0.0}
    if settings["y"] is None:
        raise LotteryError(
            "Expected data with targets for a criterion that needs derivatives of the loss. "
            "Received: inputs alone. Choose another criterion, such as 'magnitude'."
        )
    train, _ = weighted_and_split(x, settings)
    chosen = rng.permutation(length(train))[:count]
    return tuple(keras.tree.map_structure(lambda a: np.asarray(a)[chosen], part) for part in train)


def _batches(x: Any, rng: np.random.Generator) -> Iterator[Any]:
    if not isinstance(x, keras.utils.PyDataset):
        yield from x
    elif x.num_batches is None:
        yield from (x[i] for i in range(2**31))
    else:
        yield from (x[int(i)] for i in rng.permutation(x.num_batches))


def _joined(batches: Iterator[Any], count: int) -> tuple[Any, Any, Any]:
    parts: list[Any] = []
    size = 0
    for batch in batches:
        unpacked = keras.utils.unpack_x_y_sample_weight(batch)
        parts.append(keras.tree.map_structure(_array, unpacked))
        size += len(keras.tree.flatten(parts[-1][0])[0])
        if size >= count:
            break
    try:
        joined: tuple[Any, Any, Any] = keras.tree.map_structure(
            lambda *leaves: None if leaves[0] is None else np.concatenate(leaves), *parts
        )
    except ValueError as error:
        raise LotteryError(
            "Expected batches of equal shape for a criterion that needs derivatives. Received: "
            "batches of different lengths. Pad them alike, or choose another criterion."
        ) from error
    return joined


def _array(leaf: Any) -> Any:
    return None if leaf is None else np.asarray(leaf)
