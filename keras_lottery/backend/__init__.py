"""The only place that asks which backend and which devices are in use."""

import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import keras

from keras_lottery.errors import LotteryError

__all__ = ["copies", "devices", "is_cpu", "name", "select", "versions"]


def name() -> str:
    """Returns `tensorflow`, `jax` or `torch`."""
    return str(keras.config.backend())


def select(choices: dict[str, Any]) -> Any:
    """Returns the entry of `choices` for the backend in use.

    Raises:
        LotteryError: there is none.
    """
    if name() not in choices:
        raise LotteryError(
            f"Expected one of the backends {', '.join(sorted(choices))}. Received: {name()}. "
            "Set KERAS_BACKEND or --backend."
        )
    return choices[name()]


def devices() -> list[str]:
    """Returns the names of the devices that the backend computes on."""
    if name() == "jax":
        import jax

        return [str(device) for device in jax.devices()]
    if name() == "tensorflow":
        import tensorflow as tf

        found = tf.config.list_logical_devices()
        accelerators = [d for d in found if d.device_type in ("GPU", "TPU")]
        return [d.name for d in (accelerators or found)]
    import torch

    return [f"cuda:{i}" for i in range(torch.cuda.device_count())] or ["cpu"]


def is_cpu() -> bool:
    """Returns True where no accelerator is in use."""
    return all("cpu" in device.lower() for device in devices())


def copies(variables: Iterable[keras.Variable]) -> list[Any]:
    """Returns copies of the variables' values on their device."""
    if name() == "jax":  # arrays cannot change, so the reference is the copy
        return [v.value for v in variables]
    if name() == "torch":
        return [v.value.detach().clone() for v in variables]
    return [keras.ops.copy(v.value) for v in variables]


def versions() -> dict[str, str]:
    """Returns the versions of Python and of the packages that decide a result."""
    found = {"python": platform.python_version()}
    for package in ("keras-lottery", "keras", "numpy", "tensorflow", "jax", "torch", "keras-hub"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
