"""Choosing the backend before Keras is imported, which reads it then."""

import os
from importlib.util import find_spec
from typing import Any

from keras_lottery import config as configs
from keras_lottery.errors import LotteryError, unknown_name


def choose_backend(settings: Any) -> str:
    """Settles `auto` and tells Keras, which reads its backend when it is first imported."""
    wanted = settings.get("backend", "auto")
    distribution = settings.get("distribution", "none")
    if wanted not in configs.BACKENDS:
        raise unknown_name("backend", str(wanted), configs.BACKENDS)
    if wanted == "auto":
        needed = {"mirrored": "tensorflow", "tpu": "tensorflow", "data_parallel": "jax"}
        wanted = os.environ.get("KERAS_BACKEND") or needed.get(distribution) or _installed()
    if find_spec(wanted) is None:
        raise LotteryError(
            f"Expected an installed backend. Received: {wanted}. "
            f"Run: pip install 'keras-lottery[{wanted}]'"
        )
    os.environ["KERAS_BACKEND"] = wanted
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    return str(wanted)


def _installed() -> str:
    for backend in ("jax", "tensorflow", "torch"):
        if find_spec(backend) is not None:
            return backend
    raise LotteryError(
        "Expected tensorflow, jax or torch. Received: none is installed. "
        "Run: pip install 'keras-lottery[jax]'"
    )


def backend_for_tools() -> None:
    """Takes the user's backend, or whichever is installed."""
    choose_backend({"backend": "auto"})
