"""Checks the requirements of reinforcement learning: TensorFlow, its legacy Keras, the extra."""

import os
import sys
from importlib.util import find_spec

from keras_lottery import backend
from keras_lottery.errors import LotteryError, MissingExtraError, to_install

_PACKAGES = ("tensorflow", "tf_keras", "tf_agents", "gymnasium")


def check() -> None:
    """Makes sure that TF-Agents can be imported alongside Keras 3.

    TF-Agents is written for Keras 2, which TensorFlow provides if `TF_USE_LEGACY_KERAS` is set
    before TensorFlow is first imported. `import keras` is still Keras 3.

    Raises:
        MissingExtraError: a package of the extra `rl` is not installed.
        LotteryError: another backend is in use, or TensorFlow was imported too early.
    """
    if backend.name() != "tensorflow":
        raise LotteryError(
            "Expected the tensorflow backend, the only one that supports reinforcement learning. "
            f"Received: {backend.name()}. Add --backend=tensorflow."
        )
    if sys.version_info >= (3, 12) and find_spec("tf_agents") is None:
        raise LotteryError(
            "Expected Python 3.11, the last one that TF-Agents installs on. "
            f"Received: Python {sys.version_info[0]}.{sys.version_info[1]}. Use Python 3.11. "
            f"{to_install('rl')}"
        )
    for package in _PACKAGES:
        if find_spec(package) is None:
            raise MissingExtraError(package, "rl")
    if "tensorflow" not in sys.modules:
        os.environ["TF_USE_LEGACY_KERAS"] = "1"
    import tensorflow as tf

    if not tf.keras.Model.__module__.startswith("tf_keras"):
        raise LotteryError(
            "Expected TensorFlow with its legacy Keras, which TF-Agents needs. Received: one that "
            "was imported without it. Set TF_USE_LEGACY_KERAS=1 in the environment before "
            "TensorFlow or Keras is first imported; the keras-lottery command does so itself."
        )
