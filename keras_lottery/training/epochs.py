"""The number of steps per epoch, for every kind of data that Keras' `fit` takes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras

from keras_lottery.training.data import length


@dataclass(frozen=True)
class Epochs:
    """The steps of each epoch as Keras counts them: an epoch also ends at the end of the data.

    Args:
        batches: batches of one pass over the data; None: infinite.
        steps_per_epoch: steps per epoch; None: a whole pass.

    Example:
        >>> [Epochs(batches=4, steps_per_epoch=3).of(step) for step in range(8)]
        [0, 0, 0, 1, 2, 2, 2, 3]
    """

    batches: int | None
    steps_per_epoch: int | None = None

    @property
    def length(self) -> int:
        """Steps of an epoch that the end of the data doesn't cut short."""
        sizes = [size for size in (self.batches, self.steps_per_epoch) if size is not None]
        return min(sizes)

    def start(self, epoch: int) -> int:
        """Returns the first step of an epoch."""
        if self.batches is None:
            return epoch * self.length
        passes, part = divmod(epoch, self._epochs_per_pass(self.batches))
        return passes * self.batches + part * self.length

    def steps(self, epoch: int) -> range:
        """Returns the steps of an epoch."""
        return range(self.start(epoch), self.start(epoch + 1))

    def of(self, step: int) -> int:
        """Returns the epoch of a step."""
        if self.batches is None:
            return step // self.length
        passes, rest = divmod(step, self.batches)
        return passes * self._epochs_per_pass(self.batches) + rest // self.length

    def _epochs_per_pass(self, batches: int) -> int:
        return -(-batches // self.length)


def is_arrays(x: Any) -> bool:
    """Returns True for arrays, nested or not, which fit on the device as a whole."""
    leaves = keras.tree.flatten(x)
    return bool(leaves) and all(
        len(getattr(leaf, "shape", ()))
        and hasattr(leaf, "__getitem__")
        and hasattr(leaf, "__array__")
        for leaf in leaves
    )


def is_one_shot(x: Any) -> bool:
    """Returns True for generators and iterators, which yield each batch once."""
    return isinstance(x, Iterator)


def array_batch_size(examples: int, batch_size: int | None, steps: int | None) -> int:
    """Returns the batch size of arrays, with Keras' defaults."""
    return batch_size or (-(-examples // steps) if steps else 32)


def epochs_of(x: Any, batch_size: int | None, steps_per_epoch: int | None) -> Epochs | None:
    """Returns the steps of the epochs of data; None if unknown.

    Args:
        x: data for `fit`.
        batch_size: batch size of arrays.
        steps_per_epoch: as in `fit`.
    """
    if is_arrays(x):
        examples = length(x)
        size = array_batch_size(examples, batch_size, steps_per_epoch)
        return Epochs(-(-examples // size), steps_per_epoch)
    batches = _batches(x)
    return Epochs(batches, steps_per_epoch) if batches or steps_per_epoch else None


def _batches(x: Any) -> int | None:
    """Returns the batches of one pass over batched data, or None if unknown."""
    if isinstance(x, keras.utils.PyDataset):
        return x.num_batches
    try:
        return len(x)
    except (TypeError, NotImplementedError):  # infinite, or unknown before the first pass
        return None
