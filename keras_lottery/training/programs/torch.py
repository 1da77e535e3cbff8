"""Eager training steps on torch, with the data on the device."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import torch
from numpy.typing import NDArray

from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking.step import step_scope


class TorchProgram:
    """Calls `model.train_step` on batches gathered on the device.

    Nothing is compiled. What Keras computes slowly on torch is replaced for as long as a call
    lasts: see `masking.keras_internals`.
    """

    traces = 0  # nothing is traced

    def __init__(self, model: keras.Model) -> None:
        self._model = model

    def put(self, arrays: Any) -> Any:
        return keras.tree.map_structure(keras.ops.convert_to_tensor, arrays)

    def train(self, data: Any, order: NDArray[np.int32], steps: int) -> None:
        self._model.train()
        with self._fast():
            for rows in self._rows(order[:steps]):
                self._model.train_step(_gather(data, rows))

    def test(self, data: Any, order: NDArray[np.int32]) -> None:
        self._model.eval()
        with self._fast(), torch.no_grad(), step_scope(self._model, guarded=True):
            for rows in self._rows(order):
                self._model.test_step(_gather(data, rows))

    @contextmanager
    def _fast(self) -> Iterator[None]:
        optimizer = internals.fused_adam(self._model.optimizer)
        with optimizer, internals.native_kernels(), internals.without_results(self._model):
            yield

    @staticmethod
    def _rows(order: NDArray[np.int32]) -> Any:
        return keras.ops.convert_to_tensor(order.astype(np.int64))


def _gather(data: Any, rows: torch.Tensor) -> Any:
    return keras.tree.map_structure(lambda array: array[rows], data)
