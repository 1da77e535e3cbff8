"""Convolutions and pooling on torch without copies of their inputs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import keras

_NAME = "_transpose_spatial_inputs"
_lock = Lock()
_users: set[object] = set()  # several threads may train


@contextmanager
def uncopied_images() -> Iterator[None]:
    """Passes images to torch's kernels in their own memory layout, channels last.

    Keras copies each input of a convolution to channels first and back to channels last, and that
    of a pooling layer to channels first. In a residual network that takes a seventh of a step.
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
    """Installs the function without copies as long as anybody uses it."""
    from keras.src.backend.torch import nn

    transpose = getattr(nn, _NAME)
    copies = getattr(transpose, "copies", transpose)
    setattr(nn, _NAME, _without_copy(copies) if _users else copies)


def _without_copy(copies: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def transpose(inputs: Any) -> Any:
        return inputs.permute(0, 3, 1, 2) if inputs.ndim == 4 else copies(inputs)

    transpose.copies = copies  # type: ignore[attr-defined]
    return transpose
