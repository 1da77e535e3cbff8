"""Functions of Keras that are slow on torch, replaced while a training loop runs.

Convolutions and pooling copy their inputs: to channels first and back to channels last. In a
residual network that takes a seventh of a step. LSTM and GRU are loops in Python on a CPU, although
Keras calls torch's own kernels on a GPU.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from inspect import signature
from threading import Lock
from typing import Any

import keras

_BACKEND = "keras.src.backend.torch"
_lock = Lock()
_users: set[object] = set()  # several threads may train


@contextmanager
def native_kernels() -> Iterator[None]:
    """Passes images to torch without copies, and computes LSTM and GRU in torch's own loops.

    Results differ by rounding. On other backends nothing changes.
    """
    if keras.config.backend() != "torch":
        yield
        return
    user = object()
    with _lock:
        _users.add(user)
        _install()
    try:
        yield
    finally:
        with _lock:
            _users.remove(user)
            _install()


def _install() -> None:
    """Installs the replacements as long as anybody uses them."""
    nn, rnn = (import_module(f"{_BACKEND}.{name}") for name in ("nn", "rnn"))
    _replace(nn, "_transpose_spatial_inputs", _without_copy)
    for name in ("lstm", "gru"):
        if kernel := getattr(rnn, f"_cudnn_{name}", None):  # not in older versions
            _replace(rnn, f"_fallback_{name}", partial(_native, kernel=kernel))


def _replace(module: Any, name: str, replacement: Callable[[Any], Any]) -> None:
    function = getattr(module, name, None)
    if function is None:
        return
    original = getattr(function, "original", function)
    if _users:
        function = replacement(original)
        function.original = original
        setattr(module, name, function)
    else:
        setattr(module, name, original)


def _without_copy(copies: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def transpose(inputs: Any) -> Any:
        return inputs.permute(0, 3, 1, 2) if inputs.ndim == 4 else copies(inputs)

    return transpose


def _native(loop: Callable[..., Any], kernel: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a recurrent layer's loop that calls torch's kernel where it computes the same."""
    known, accepted = signature(loop), signature(kernel).parameters

    def run(*args: Any, **kwargs: Any) -> Any:
        given = known.bind(*args, **kwargs).arguments
        if not _is_standard(**given):
            return loop(*args, **kwargs)
        named = {name: value for name, value in given.items() if name in accepted}
        try:
            return kernel(**named, device=given["inputs"].device)
        except RuntimeError:  # for example in `torch.vmap`; Keras does the same on a GPU
            return loop(*args, **kwargs)

    return run


def _is_standard(
    inputs: Any,
    bias: Any,
    activation: Any,
    recurrent_activation: Any,
    batch_first: bool = True,
    **others: Any,
) -> bool:
    import torch

    activations = keras.activations
    # With one state for all sequences, which the loop broadcasts, the kernel writes out of bounds.
    shape = (inputs.shape[0], others["recurrent_kernel"].shape[0])
    states = [value for name, value in others.items() if name.startswith("initial_state")]
    return (
        inputs.is_cpu
        and inputs.dtype == torch.float32
        and bias is not None
        and batch_first
        and all(tuple(state.shape) == shape for state in states)
        and activation is activations.tanh
        and recurrent_activation is activations.sigmoid
    )
