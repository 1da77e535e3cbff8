"""Tracing and compiling: functions of a model and one argument, on any backend; JAX's tracers."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

from keras_lottery.backend import runtime

__all__ = ["compiled", "is_tracer", "reaches"]

Function = Callable[[Any], Any]


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


def is_tracer(value: Any) -> bool:
    """Returns True for a JAX tracer, which must not outlive its trace."""
    if runtime.name() != "jax":
        return False
    import jax

    return isinstance(value, jax.core.Tracer)


def reaches(value: Any, other: Any) -> bool:
    """Returns True if a JAX value can be used in the trace of the tracer `other`.

    Concrete values and tracers of the same or an enclosing trace can. Tracers of a finished or an
    inner trace can't.
    """
    trace = getattr(other, "_trace", None)
    while is_tracer(value) and trace is not None and trace is not value._trace:
        trace = getattr(trace, "parent_trace", None)
    return value is not None and trace is not None
