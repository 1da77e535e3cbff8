"""Training data as arrays, the order of batches, and the copies on the device."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from keras_lottery.config import TrainConfig
from keras_lottery.errors import LotteryError
from keras_lottery.training.programs import TrainingProgram

Arrays = tuple[Any, ...]
"""`(x, y)` or `(x, y, sample_weight)`; nested NumPy arrays with first axes of equal length."""


class Order(Protocol):
    """The examples in the batch of each step; equal seeds give equal orders."""

    @property
    def seed(self) -> int: ...

    @property
    def steps_per_epoch(self) -> int: ...

    @property
    def longest_run(self) -> int:
        """Longest run of batches of one shape, in steps: the capacity of a compiled call."""
        ...

    @property
    def shapes(self) -> tuple[int, ...]:
        """One step for each part and batch shape, with which all shapes are compiled in advance."""
        ...

    def epoch(self, step: int) -> int:
        """Returns the epoch of a step, from 0."""
        ...

    def part(self, step: int) -> int:
        """Returns the index of the part of the training arrays that a step uses."""
        ...

    def run_end(self, step: int) -> int:
        """Returns the end of the run from `step` with one epoch, part and batch shape."""
        ...

    def rows(self, start: int, stop: int) -> NDArray[np.int32]:
        """Returns the examples of the steps within a run, shape `(steps, batch)`."""
        ...


@dataclass(frozen=True)
class ArrayData:
    """The arrays of one experiment.

    Args:
        train: training arrays.
        validation: arrays that measure the learning speed, or None.
        test: arrays of the headline metric.
        augment: `(x, epoch, seed) -> x`, applied to the whole of `train` before each epoch.
        parts: training arrays for each batch shape, with the structure of `train`; empty for one
            shape.
        order: `(train, seed) -> Order` of the batches; None: reshuffled each epoch.
        evaluated: batch size of evaluation; 0: automatic.
    """

    train: Arrays
    validation: Arrays | None
    test: Arrays
    augment: Callable[[Any, int, int], Any] | None = None
    parts: tuple[Arrays, ...] = ()
    order: Callable[[TrainConfig, int], Order] | None = None
    evaluated: int = 0

    def batches(self, train: TrainConfig, seed: int = 0) -> Order:
        """Returns the order of the batches of a training."""
        if self.order is not None:
            return self.order(train, seed)
        drop = train.drop_remainder
        return DataOrder(length(self.train), train.batch_size, seed, drop_remainder=drop)


def fixed_order(examples: int) -> NDArray[np.int64]:
    """Returns a random order of examples that is always the same.

    The first of any number of them are of all classes, even if the data are sorted by class.
    """
    return np.random.default_rng(0).permutation(examples)


def length(arrays: Any) -> int:
    """Returns the number of examples.

    Raises:
        LotteryError: the arrays differ in length or are empty.
    """
    sizes = {len(a) for a in keras.tree.flatten(arrays) if a is not None}
    if len(sizes) != 1 or sizes == {0}:
        raise LotteryError(
            f"Expected arrays with the same number of examples, at least 1. "
            f"Received lengths: {sorted(sizes)}. Check x, y and sample_weight."
        )
    return sizes.pop()


@dataclass(frozen=True)
class DataOrder:
    """The examples in the batch of each step, reshuffled from a seed in every epoch.

    Args:
        examples: number of examples.
        batch_size: examples per step.
        seed: equal seeds give equal orders on every machine and backend.
        shuffle: if False, examples keep their order.
        drop_remainder: leave out the last, smaller batch of an epoch.
    """

    examples: int
    batch_size: int
    seed: int = 0
    shuffle: bool = True
    drop_remainder: bool = True
    _permutations: dict[int, NDArray[np.int64]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        if self.drop_remainder and self.batch_size > self.examples:
            raise LotteryError(
                f"Expected a batch size of at most the {self.examples} training examples. "
                f"Received: {self.batch_size}. Choose a smaller batch_size."
            )

    @property
    def steps_per_epoch(self) -> int:
        whole, rest = divmod(self.examples, self.batch_size)
        return whole + bool(rest and not self.drop_remainder)

    @property
    def longest_run(self) -> int:
        return self.steps_per_epoch

    @property
    def shapes(self) -> tuple[int, ...]:
        end = self.run_end(0)
        return (0,) if end == self.steps_per_epoch else (0, end)

    def epoch(self, step: int) -> int:
        """Returns the epoch of a step, from 0."""
        return step // self.steps_per_epoch

    def part(self, step: int) -> int:
        return 0

    def run_end(self, step: int) -> int:
        """Returns the end of the run of full batches from `step` within one epoch.

        A smaller last batch is a separate run.
        """
        end = (self.epoch(step) + 1) * self.steps_per_epoch
        smaller = not self.drop_remainder and self.examples % self.batch_size
        return end - 1 if smaller and step < end - 1 else end

    def rows(self, start: int, stop: int) -> NDArray[np.int32]:
        """Returns the examples of the steps `start..stop` of one epoch, shape `(steps, batch)`."""
        epoch = self.epoch(start)
        order = self.permutation(epoch)
        first = start - epoch * self.steps_per_epoch
        chosen = order[first * self.batch_size : (first + stop - start) * self.batch_size]
        return chosen.reshape(stop - start, -1).astype(np.int32)

    def permutation(self, epoch: int) -> NDArray[np.int64]:
        """Returns the order of all examples in an epoch."""
        if not self.shuffle:
            return np.arange(self.examples)
        if epoch not in self._permutations:  # an epoch has many compiled calls
            key = np.random.SeedSequence([self.seed, epoch])
            generator = np.random.Generator(np.random.Philox(key))
            self._permutations.clear()
            self._permutations[epoch] = generator.permutation(self.examples)
        return self._permutations[epoch]


class EpochData:
    """The training arrays on the device; a new copy each epoch if they are augmented."""

    def __init__(self, program: TrainingProgram, data: ArrayData) -> None:
        self._program = program
        self._data = data
        self._key: tuple[int, int] | None = None
        self._arrays: dict[int, Any] = {}

    def at(self, epoch: int, seed: int, part: int = 0) -> Any:
        """Returns the arrays of an epoch, or a part of them."""
        augment = self._data.augment
        key = (epoch, seed) if augment else (0, 0)
        if key != self._key:
            self._arrays.clear()
            self._key = key
        if part not in self._arrays:
            x, *rest = (self._data.parts or (self._data.train,))[part]
            x = augment(x, epoch, seed) if augment else x
            self._arrays[part] = self._program.put((x, *rest))
        return self._arrays[part]
