"""Tells values that exist from values that are being traced."""

from typing import Any

from keras_lottery.backend import runtime

__all__ = ["is_tracer"]


def is_tracer(value: Any) -> bool:
    """Returns True for a JAX tracer, which must not outlive the function that is being traced."""
    if runtime.name() != "jax":
        return False
    import jax

    return isinstance(value, jax.core.Tracer)
