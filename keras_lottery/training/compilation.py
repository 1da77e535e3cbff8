"""How the training steps are compiled: the fastest, by device and layers."""

from dataclasses import dataclass

import keras

from keras_lottery import backend
from keras_lottery.backend.distribution import Distribution
from keras_lottery.masking.keras_internals import flatten_layers


@dataclass(frozen=True)
class Compilation:
    """How the steps of a program are compiled.

    Args:
        loop: many steps in one call; otherwise one call a step.
        xla: compile with XLA.
    """

    loop: bool
    xla: bool


def choose_compilation(
    model: keras.Model, distribution: Distribution, jit: str = "auto"
) -> Compilation:
    """Returns what was measured to be fastest for this backend, device and kind of layers.

    A compiled loop is best nearly everywhere. On a CPU, XLA compiles a convolution inside a
    loop to code that is slower by orders of magnitude, so there JAX takes one call a step and
    TensorFlow a loop without XLA; recurrent layers too are faster without it on TensorFlow, and on
    a GPU XLA would keep them from the fused kernel (see benchmarks/).
    """
    slow = backend.is_cpu() and has_layer(model, "Conv")
    if backend.name() == "jax":
        return Compilation(loop=not slow, xla=True)
    if backend.name() == "tensorflow":
        # XLA around `strategy.run` fails on several replicas.
        xla = distribution.strategy is None and not slow and not has_layer(model, "RNN")
        return Compilation(loop=True, xla=xla if jit == "auto" else jit == "true")
    return Compilation(loop=False, xla=False)


def has_layer(model: keras.Model, kind: str) -> bool:
    """Returns True where any layer, however deep, is of a class that is named so or after it."""
    return any(
        kind in cls.__name__ for layer in flatten_layers(model) for cls in type(layer).__mro__
    )
