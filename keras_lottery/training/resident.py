"""Arrays that stay on the device between calls of `fit` with one program."""

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_lottery import backend
from keras_lottery.training.programs import Data, Program


class Resident:
    """A program that puts only those arrays on the device that differ from the previous call's.

    Arrays are compared bit by bit, since a user may change one in place. On a CPU this takes a
    third of the time of copying them to TensorFlow, and no memory. On accelerators it would take a
    copy on the host, so there all arrays are put again.

    Args:
        program: compiled steps.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self._kept: list[Any] = []

    @property
    def traces(self) -> int:
        """Number of traces."""
        return self.program.traces

    def put(self, arrays: Any) -> Data:
        """Returns nested arrays on the device."""
        new = keras.tree.flatten(arrays)
        if len(new) != len(self._kept) or not backend.is_cpu():
            self._kept = [None] * len(new)
        for place, array in enumerate(new):
            if not _equal(self._kept[place], np.asarray(array)):
                self._kept[place] = None  # freed before the copy is made
                self._kept[place] = self.program.put(array)
        return keras.tree.pack_sequence_as(arrays, self._kept)

    def train(self, data: Data, order: NDArray[np.int32], steps: int) -> None:
        """Trains on the first `steps` batches of `order`."""
        self.program.train(data, order, steps)

    def test(self, data: Data, order: NDArray[np.int32]) -> None:
        """Updates the model's metrics on all batches of `order`."""
        self.program.test(data, order)


class FitProgram(Resident):
    """The program of `fit`, which keeps the training arrays, and separately the validation arrays.

    Args:
        program: compiled steps.
        made_for: the optimizer, the loss and the variables that it was traced with, if known.
    """

    def __init__(self, program: Program, made_for: tuple[object, ...] = ()) -> None:
        super().__init__(program)
        self.validation = Resident(program)
        self.made_for = made_for


def _equal(kept: Any, array: NDArray[Any]) -> bool:
    """Returns whether an array on the device has the same bits."""
    if not keras.ops.is_tensor(kept):  # None, or one copy per replica
        return False
    on_device = backend.view(kept)
    if on_device.shape != array.shape or on_device.dtype != array.dtype:
        return False
    if not (array.flags.c_contiguous and on_device.flags.c_contiguous):
        return False
    return bool(np.array_equal(_bits(on_device), _bits(array)))


def _bits(array: NDArray[Any]) -> NDArray[Any]:
    """Returns the memory of an array as whole numbers, so that NaN equals NaN and 0 isn't -0."""
    return array.reshape(-1).view(np.uint64 if array.nbytes % 8 == 0 else np.uint8)
