"""Eager training steps on torch, with the data on the device."""

from typing import Any

import keras
import numpy as np
import torch
from numpy.typing import NDArray

from keras_lottery.masking.keras_internals import fused_adam


class TorchProgram:
    """Calls `model.train_step` on batches gathered on the device."""

    traces = 0  # nothing is traced

    def __init__(self, model: keras.Model) -> None:
        self._model = model

    def put(self, arrays: Any) -> Any:
        return keras.tree.map_structure(keras.ops.convert_to_tensor, arrays)

    def train(self, data: Any, order: NDArray[np.int32], steps: int) -> None:
        self._model.train()
        with fused_adam(self._model.optimizer):
            for rows in self._rows(order[:steps]):
                self._model.train_step(_gather(data, rows))

    def test(self, data: Any, order: NDArray[np.int32]) -> None:
        self._model.eval()
        with torch.no_grad():
            for rows in self._rows(order):
                self._model.test_step(_gather(data, rows))

    @staticmethod
    def _rows(order: NDArray[np.int32]) -> Any:
        return keras.ops.convert_to_tensor(order.astype(np.int64))


def _gather(data: Any, rows: torch.Tensor) -> Any:
    return keras.tree.map_structure(lambda array: array[rows], data)
