"""Telling concrete values from tracers."""

from typing import Any

from keras_lottery.backend import runtime

__all__ = ["is_tracer", "reaches"]


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
