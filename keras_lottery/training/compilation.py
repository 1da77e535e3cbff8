"""Choosing the fastest way to compile training steps, by device and layers."""

from dataclasses import dataclass

import keras

from keras_lottery import backend
from keras_lottery.backend.distribution import Distribution
from keras_lottery.masking.keras_internals import flatten_layers


@dataclass(frozen=True)
class Compilation:
    """How the steps of a program are compiled.

    Args:
        loop: many steps per call; otherwise one.
        xla: compile with XLA.
    """

    loop: bool
    xla: bool


def choose_compilation(
    model: keras.Model, distribution: Distribution, jit: str = "auto", several: bool = True
) -> Compilation:
    """Returns the fastest choice measured for this backend, device and kind of layers.

    A compiled loop is fastest nearly everywhere. On a CPU, XLA compiles convolutions inside a
    loop to code that is slower by orders of magnitude, so JAX makes one call per step there and
    TensorFlow uses a loop without XLA. On TensorFlow, recurrent layers are also faster without
    XLA, which disables the fused kernel on a GPU (see benchmarks/). Layers that XLA can't compile,
    such as look-ups of strings, are never compiled with it. A loop on JAX copies the state once per
    call, so that single steps, which don't, are faster if each call has one.

    Args:
        model: compiled and built.
        distribution: the devices of its replicas.
        jit: `auto`, `true` or `false`: compile with XLA, on TensorFlow.
        several: whether calls have several steps.
    """
    slow = backend.is_cpu() and has_layer(model, "Conv")
    if backend.name() == "jax":
        return Compilation(loop=several and not slow, xla=True)
    if backend.name() == "tensorflow":
        # XLA around `strategy.run` fails on several replicas.
        compiles = all(layer.supports_jit for layer in flatten_layers(model))
        fast = compiles and not slow and not has_layer(model, "RNN")
        xla = distribution.strategy is None and fast
        return Compilation(loop=True, xla=xla if jit == "auto" else jit == "true")
    return Compilation(loop=False, xla=False)


def has_layer(model: keras.Model, kind: str) -> bool:
    """Returns True if the class or a base class of any layer has `kind` in its name."""
    return any(
        kind in cls.__name__ for layer in flatten_layers(model) for cls in type(layer).__mro__
    )
