"""A program that measures its compile time."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_lottery.training.programs import Program


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
