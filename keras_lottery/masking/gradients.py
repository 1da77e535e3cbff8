"""The mean gradient of a compiled model's loss, on any backend."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import tree

from keras_lottery import backend
from keras_lottery.errors import LotteryError
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking import paths
from keras_lottery.types import Weights

__all__ = ["mean_gradients"]


def mean_gradients(model: keras.Model, x: Any, y: Any, batch_size: int = 128) -> Weights:
    """Returns the mean gradient of the compiled loss over examples, by path.

    Taken in training mode, with nothing in the model changed by it: batch-norm statistics, seeds
    and metrics stay. It is 0 where a mask prunes.

    Args:
        model: a compiled model.
        x: inputs, an array `(examples, ...)` or a structure of them.
        y: targets, likewise.
        batch_size: examples at a time.

    Raises:
        LotteryError: the model has no loss, or there are no examples.
    """
    if not getattr(model, "compiled", False):
        raise LotteryError(
            "Expected a compiled model, whose loss gives the gradient. "
            f"Received: {model.name!r}, which is not. Call compile(loss=...) first."
        )
    examples = len(tree.flatten(x)[0])
    if examples == 0:
        raise LotteryError("Expected data=(x, y) with examples. Received: none. Pass some.")
    internals.sync_trainer(model)
    trained = model.trainable_variables
    differentiate = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[backend.name()]
    total = [np.zeros(tuple(v.shape), np.float64) for v in trained]
    for at in range(0, examples, batch_size):
        batch = [_batch(data, at, batch_size) for data in (x, y)]
        count = len(tree.flatten(batch[0])[0])
        found = differentiate(partial(_loss, model, *batch), trained)
        total = [t + np.asarray(g, np.float64) * count for t, g in zip(total, found)]
    mean = {id(v): (t / examples).astype(np.float32) for v, t in zip(trained, total)}
    return {p: mean[id(v)] for p, v in paths.variables(model).items() if id(v) in mean}


def _batch(data: Any, at: int, size: int) -> Any:
    return tree.map_structure(lambda a: keras.ops.convert_to_tensor(a[at : at + size]), data)


def _loss(model: keras.Model, x: Any, y: Any, values: Sequence[Any]) -> Any:
    """Returns the loss where the trained variables have these values; updates are dropped."""
    mapping = list(zip(model.trainable_variables, values))
    with keras.StatelessScope(state_mapping=mapping, collect_losses=True):
        outputs = model(x, training=True)
        return model.compute_loss(x=x, y=y, y_pred=outputs, training=True)


Loss = Callable[[Sequence[Any]], Any]


def _jax(loss: Loss, variables: Sequence[keras.Variable]) -> list[Any]:
    import jax

    return list(jax.grad(loss)([v.value for v in variables]))


def _tensorflow(loss: Loss, variables: Sequence[keras.Variable]) -> list[Any]:
    import tensorflow as tf

    values = [tf.convert_to_tensor(v.value) for v in variables]
    with tf.GradientTape() as tape:
        tape.watch(values)
        result = loss(values)
    found = tape.gradient(result, values, unconnected_gradients="zero")
    return [tf.convert_to_tensor(g).numpy() for g in found]


def _torch(loss: Loss, variables: Sequence[keras.Variable]) -> list[Any]:
    import torch

    values = [v.value.detach().requires_grad_() for v in variables]
    found = torch.autograd.grad(loss(values), values, allow_unused=True)
    zeros = (np.zeros(tuple(v.shape), np.float32) for v in variables)
    return [z if g is None else keras.ops.convert_to_numpy(g) for g, z in zip(found, zeros)]
