"""Tells values that exist from values that are being traced."""

from typing import Any

from keras_lottery.backend import runtime

__all__ = ["is_tracer", "reaches"]


def is_tracer(value: Any) -> bool:
    """Returns True for a JAX tracer, which must not outlive the function that is being traced."""
    if runtime.name() != "jax":
        return False
    import jax

    return isinstance(value, jax.core.Tracer)


def reaches(value: Any, other: Any) -> bool:
    """Returns True where a JAX value can be used next to a tracer.

    It can if it is no tracer, or belongs to the same trace or one around it. A tracer of a function
    whose trace has ended, or of one inside, cannot.
    """
    trace = getattr(other, "_trace", None)
    while is_tracer(value) and trace is not None and trace is not value._trace:
        trace = getattr(trace, "parent_trace", None)
    return value is not None and trace is not None
