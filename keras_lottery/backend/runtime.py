"""The backend in use: its name, devices, versions and random generator."""

import math
import platform
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeVar

import keras
import numpy as np
from numpy.typing import NDArray

from keras_lottery.memory import give_back

T = TypeVar("T")

_ALIGNMENT = 64  # bytes, of the memory that TensorFlow computes with
_LARGE = 2**20  # bytes


def name() -> str:
    """Returns `tensorflow`, `jax` or `torch`."""
    return str(keras.config.backend())


def select(choices: dict[str, T]) -> T:
    """Returns the entry of `choices` for the backend in use."""
    return choices[name()]


def devices() -> list[str]:
    """Returns the names of the devices that the backend computes on."""
    if name() == "jax":
        import jax

        return [str(device) for device in jax.devices()]
    if name() == "tensorflow":
        import tensorflow as tf

        logical = tf.config.list_logical_devices()
        accelerators = [d for d in logical if d.device_type in ("GPU", "TPU")]
        return [d.name for d in (accelerators or logical)]
    import torch

    return [f"cuda:{i}" for i in range(torch.cuda.device_count())] or ["cpu"]


def is_cpu() -> bool:
    """Returns True if no accelerator is in use."""
    return all("cpu" in device.lower() for device in devices())


def has_float64() -> bool:
    """Returns whether the backend computes in 64 bits, which JAX doesn't do by default."""
    if name() != "jax":
        return True
    import jax

    return bool(jax.config.jax_enable_x64)


def copies(variables: Iterable[keras.Variable]) -> list[Any]:
    """Returns copies of the variables' values on their device."""
    if name() == "torch":
        return [v.value.detach().clone() for v in variables]
    return [keras.ops.copy(v.value) for v in variables]


def view(value: Any) -> NDArray[Any]:
    """Returns a value as an array to read at once, without a copy on a CPU.

    It can share the memory of the variable, and change with it.
    """
    if name() == "jax":
        return np.asarray(value)
    if name() == "torch":
        plain = "bfloat16" not in str(value.dtype)
        array: NDArray[Any] = (
            value.detach().cpu().numpy() if plain else keras.ops.convert_to_numpy(value)
        )
        return array
    import tensorflow as tf

    return np.asarray(tf.convert_to_tensor(value))


def aligned_zeros(shape: Sequence[int], dtype: str) -> NDArray[Any]:
    """Returns zeros that take no memory until they are written to; see `tensor_of`."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    octets = np.zeros(size + _ALIGNMENT, np.uint8)
    start = -octets.ctypes.data % _ALIGNMENT
    return octets[start : start + size].view(dtype).reshape(shape)


def tensor_of(array: NDArray[Any]) -> Any:
    """Returns a tensor; on TensorFlow it has the array's memory, which must be aligned.

    TensorFlow otherwise copies an array twice: once for the tensor, once for the variable.
    """
    if name() != "tensorflow" or array.dtype.kind != "f" or not array.size:
        return keras.ops.convert_to_tensor(array)
    import tensorflow as tf

    return tf.experimental.dlpack.from_dlpack(array.__dlpack__())


def wait(value: Any) -> None:
    """Waits until JAX has computed a value, and gives back the memory of those it needed."""
    if name() == "jax":
        import jax

        jax.block_until_ready(value)
        if value.nbytes >= _LARGE:
            give_back()


def generator_state() -> NDArray[np.uint8] | None:
    """Returns the state of torch's own generator, which dropout uses; None on other backends."""
    if name() != "torch":
        return None
    import torch

    state: NDArray[np.uint8] = torch.get_rng_state().numpy().copy()
    return state


def set_generator_state(state: NDArray[np.uint8]) -> None:
    """Restores a state from `generator_state`."""
    import torch

    torch.set_rng_state(torch.from_numpy(np.asarray(state, np.uint8).copy()))


def seed_generator(seed: int) -> None:
    """Seeds torch's own generator; on other backends all seeds are in the model."""
    if name() == "torch":
        import torch

        torch.manual_seed(seed)


def versions() -> dict[str, str]:
    """Returns the versions of Python and of the packages that affect results."""
    by_package = {"python": platform.python_version()}
    for package in ("keras-lottery", "keras", "numpy", "tensorflow", "jax", "torch", "keras-hub"):
        try:
            by_package[package] = version(package)
        except PackageNotFoundError:
            continue
    return by_package


@contextmanager
def full_precision() -> Iterator[None]:
    """Computes in full float32 in this context, to compare outputs between machines."""
    if name() == "jax":
        import jax

        with jax.default_matmul_precision("highest"):
            yield
    elif name() == "torch":
        import torch

        with torch.no_grad(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            yield  # products are full by default, convolutions are not
    else:
        import tensorflow as tf

        settings = tf.config.experimental
        before = settings.tensor_float_32_execution_enabled()
        settings.enable_tensor_float_32_execution(False)
        try:
            yield
        finally:
            settings.enable_tensor_float_32_execution(before)


def no_gradients() -> AbstractContextManager[Any]:
    """Returns a context in which torch records no gradients; the others only do so when told."""
    if name() != "torch":
        return nullcontext()
    import torch

    context: AbstractContextManager[Any] = torch.no_grad()
    return context
