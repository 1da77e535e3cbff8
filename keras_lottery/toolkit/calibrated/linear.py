"""A Dense or EinsumDense layer as a matrix from inputs to outputs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

__all__ = ["LinearMap", "linear_map"]

Array = NDArray[Any]


@dataclass(frozen=True)
class LinearMap:
    """Which axes of a kernel and of a layer's input belong to the inputs of a linear map.

    Args:
        outputs: axes of the kernel.
        inputs: axes of the kernel that are summed over.
        features: axes of the layer's input with the same letters as `inputs`, in that order.
    """

    outputs: tuple[int, ...]
    inputs: tuple[int, ...]
    features: tuple[int, ...]

    def matrix(self, kernel: Array) -> Array:
        """Returns a kernel with shape `(outputs, inputs)`."""
        size = math.prod(kernel.shape[axis] for axis in self.inputs)
        return kernel.transpose(*self.outputs, *self.inputs).reshape(-1, size)

    def kernel(self, matrix: Array, shape: Sequence[int]) -> Array:
        """Returns a matrix in the shape of the kernel."""
        axes = (*self.outputs, *self.inputs)
        return matrix.reshape([shape[axis] for axis in axes]).transpose(*np.argsort(axes))

    def tokens(self, x: Any) -> Any:
        """Returns a layer's input with shape `(tokens, inputs)`."""
        last = tuple(range(-len(self.features), 0))
        moved = ops.moveaxis(x, self.features, last)
        return ops.reshape(moved, (-1, math.prod(moved.shape[axis] for axis in last)))


def linear_map(layer: keras.Layer) -> LinearMap | None:
    """Returns the linear map of a Dense or EinsumDense layer; None for other layers.

    Returns None for an equation that sums over an axis of the input alone, or in which kernel,
    input and output share an axis (one matrix per expert).
    """
    if isinstance(layer, keras.layers.Dense):
        return LinearMap((1,), (0,), (-1,))
    if not isinstance(layer, keras.layers.EinsumDense):
        return None
    operands, _, target = layer.equation.replace(" ", "").partition("->")
    operand, _, kernel = operands.partition(",")
    inputs = [letter for letter in kernel if letter not in target]
    outputs = [letter for letter in kernel if letter in target]
    summed = set(operand.strip(".")) - set(target)
    if set(inputs) != summed or set(outputs) & set(operand) or not outputs or not inputs:
        return None
    return LinearMap(
        tuple(map(kernel.index, outputs)),
        tuple(map(kernel.index, inputs)),
        tuple(_axis(operand, letter) for letter in inputs),
    )


def _axis(operand: str, letter: str) -> int:
    """Returns the axis of a letter, counted from the end behind an ellipsis."""
    return operand.index(letter) - (len(operand) if operand.startswith("...") else 0)
