"""One compiled program per backend: many training steps, or one evaluation, in one call."""

import time
from collections.abc import Callable
from typing import Any, Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from keras_lottery import backend
from keras_lottery.backend.distribution import Distribution
from keras_lottery.training.compilation import Compilation, choose_compilation

Data = Any
"""Arrays on the device, as Keras unpacks them: `(x, y)` or `(x, y, sample_weight)`."""


class TrainingProgram(Protocol):
    """The compiled training steps of a model."""

    def put(self, arrays: Any) -> Data:
        """Copies nested NumPy arrays to the device (to each replica)."""
        ...

    def train(self, data: Data, order: NDArray[np.int32], steps: int) -> None:
        """Trains on the first `steps` batches of `order`, indices of shape `(capacity, batch)`."""
        ...


class Program(TrainingProgram, Protocol):
    """The compiled steps of a model. After each call the model's variables are up to date."""

    @property
    def traces(self) -> int:
        """Number of traces; it must not grow between rounds or arms."""
        ...

    def test(self, data: Data, order: NDArray[np.int32]) -> None:
        """Updates the model's metrics on all batches of `order`, of shape `(batches, batch)`."""
        ...


def make_program(
    model: keras.Model,
    distribution: Distribution | None = None,
    compilation: Compilation | None = None,
) -> Program:
    """Returns the program of a compiled model.

    Args:
        model: compiled and built.
        distribution: the devices of its replicas.
        compilation: how the steps are compiled; None chooses by device and layers.
    """
    distribution = distribution or Distribution()
    compilation = compilation or choose_compilation(model, distribution)
    if backend.name() == "jax":
        from keras_lottery.training.programs.jax import JaxProgram

        return JaxProgram(model, distribution, compilation)
    if backend.name() == "tensorflow":
        from keras_lottery.training.programs.tensorflow import TensorFlowProgram

        return TensorFlowProgram(model, distribution, compilation)
    from keras_lottery.training.programs.torch import TorchProgram

    return TorchProgram(model)


class TimedProgram:
    """Wraps a program and adds the time of every call that traces to `compile_seconds`.

    A loop over steps is compiled by a call with zero steps. Without a loop, and in an evaluation,
    the call that compiles also does its work and counts as a whole.

    Args:
        program: the wrapped program.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._shapes: set[Any] = set()
        self.traces = program.traces
        self.compile_seconds = 0.0

    def put(self, arrays: Any) -> Any:
        return self._program.put(arrays)

    def train(self, data: Any, order: NDArray[np.int32], steps: int) -> None:
        if order.shape not in self._shapes:
            self._shapes.add(order.shape)
            self._timed(lambda: self._program.train(data, order, 0))
        self._timed(lambda: self._program.train(data, order, steps))

    def test(self, data: Any, order: NDArray[np.int32]) -> None:
        self._timed(lambda: self._program.test(data, order))

    def _timed(self, call: Callable[[], None]) -> None:
        began = time.perf_counter()
        call()
        if self._program.traces > self.traces:
            self.traces = self._program.traces
            self.compile_seconds += time.perf_counter() - began
