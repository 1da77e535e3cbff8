"""Compiling a function of a model and one argument on any backend."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

from keras_lottery.backend import runtime

Function = Callable[[Any], Any]

__all__ = ["compiled"]


def compiled(function: Function, variables: Sequence[keras.Variable]) -> Function:
    """Returns `function` compiled once per argument shape; on torch it runs eagerly.

    Args:
        function: reads variables, but doesn't assign them.
        variables: the variables, read at every call.
    """
    make = runtime.select({"tensorflow": _tensorflow, "jax": _jax, "torch": _torch})
    result: Function = make(function, variables)
    return result


def _tensorflow(function: Function, variables: Sequence[keras.Variable]) -> Any:
    import tensorflow as tf

    return tf.function(function, autograph=False, reduce_retracing=True)


def _torch(function: Function, variables: Sequence[keras.Variable]) -> Any:
    import torch

    return torch.no_grad()(function)


def _jax(function: Function, variables: Sequence[keras.Variable]) -> Function:
    import jax

    def pure(values: list[Any], argument: Any) -> Any:
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
            return function(argument)

    program = jax.jit(pure)
    return lambda argument: program([v.value for v in variables], argument)
