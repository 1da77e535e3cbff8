"""The mean gradient of a loss over some examples, on any backend."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_lottery import backend

Array = NDArray[Any]
Loss = Callable[[Any, Any], Any]


def mean_gradients(
    model: keras.Model, loss: Loss, x: Array, y: Array, batch_size: int
) -> dict[int, Array]:
    """Returns the mean gradient of the loss at the model's weights, in training mode.

    Variables that training mode moves, such as batch-norm statistics, may be moved.

    Args:
        model: built; the gradient is 0 where its masks prune.
        loss: `(y, outputs) -> loss of the batch`, the mean over its examples.
        x: inputs `(examples, ...)`.
        y: targets `(examples, ...)`.
        batch_size: examples at a time; 1 ≤ batch_size.

    Returns:
        `{id(variable): gradient}` of the trainable variables.
    """
    gradient = backend.select({"tensorflow": _tensorflow, "jax": _jax, "torch": _torch})
    sums = [np.zeros(tuple(v.shape), np.float64) for v in model.trainable_variables]
    for at in range(0, len(x), batch_size):
        inputs, targets = x[at : at + batch_size], y[at : at + batch_size]
        found = gradient(model, loss, inputs, targets)
        sums = [s + np.asarray(g, np.float64) * len(inputs) for s, g in zip(sums, found)]
    means = [(total / len(x)).astype(np.float32) for total in sums]
    return {id(v): mean for v, mean in zip(model.trainable_variables, means, strict=True)}


def _tensorflow(model: keras.Model, loss: Loss, x: Array, y: Array) -> list[Array]:
    import tensorflow as tf

    values = [v.value for v in model.trainable_variables]
    with tf.GradientTape() as tape:
        result = loss(tf.convert_to_tensor(y), model(tf.convert_to_tensor(x), training=True))
    found = tape.gradient(result, values, unconnected_gradients="zero")
    return [np.asarray(tf.convert_to_tensor(g)) for g in found]


def _jax(model: keras.Model, loss: Loss, x: Array, y: Array) -> list[Array]:
    import jax

    fixed = [v.value for v in model.non_trainable_variables]

    def of(values: list[Any]) -> Any:
        outputs, _ = model.stateless_call(values, fixed, x, training=True)
        return loss(y, outputs)

    return [np.asarray(g) for g in jax.grad(of)([v.value for v in model.trainable_variables])]


def _torch(model: keras.Model, loss: Loss, x: Array, y: Array) -> list[Array]:
    import torch

    values = [v.value for v in model.trainable_variables]
    result = loss(
        keras.ops.convert_to_tensor(y),
        model(keras.ops.convert_to_tensor(x), training=True),
    )
    found = torch.autograd.grad(result, values, allow_unused=True)
    return [
        np.zeros(tuple(v.shape), np.float32) if g is None else keras.ops.convert_to_numpy(g)
        for v, g in zip(values, found, strict=True)
    ]
