"""Checks of the arguments of `fit` that Keras checks late or not at all."""

from collections.abc import Mapping
from typing import Any

import keras

from keras_lottery import checks
from keras_lottery.errors import LotteryError

_LEAST = {
    "batch_size": 1,
    "steps_per_epoch": 1,
    "validation_steps": 1,
    "validation_batch_size": 1,
    "epochs": 1,
    "initial_epoch": 0,
    "initial_step": 0,
}
"""The smallest value of the whole-number arguments of `fit`."""


def compiled_model(model: Any) -> keras.Model:
    """Returns a compiled Keras model.

    Raises:
        LotteryError: it is something else, or not compiled.
    """
    if not isinstance(model, keras.Model):
        kind = type(model)
        raise LotteryError(
            f"Expected a Keras model. Received: {kind.__module__}.{kind.__qualname__}. "
            "Pass a keras.Model (Keras 3; models of tf_keras are another library's)."
        )
    if not model.compiled:
        raise LotteryError(
            f"Expected a compiled model. Received: {model.name!r}, which is not. "
            "Call model.compile(...) first."
        )
    return model


def check_fit(model: Any, x: Any, settings: Mapping[str, Any]) -> None:
    """Raises LotteryError where an argument of `fit` is of another type or out of range.

    Args:
        model: compiled.
        x: the data.
        settings: further arguments by name; those that are None are left out.
    """
    compiled_model(model)
    if x is None:
        raise LotteryError("Expected training data. Received: x=None. Pass arrays or a data set.")
    given = {name: value for name, value in settings.items() if value is not None}
    for name, least in _LEAST.items():
        if name in given:
            checks.whole_number(given[name], name, least=least)
    checks.seed(given.get("seed", 0))
    checks.fraction(given.get("validation_split", 0.0), "validation_split")
    checks.instance(given.get("class_weight", {}), Mapping, "class_weight")  # type: ignore[type-abstract]
    if given.get("verbose", 0) not in (0, 1, 2, "auto"):
        raise LotteryError(
            f"Expected verbose of 0, 1, 2 or 'auto'. Received: {given['verbose']!r}. Change it."
        )
    for callback in keras.tree.flatten(given.get("callbacks", ())):
        if not isinstance(callback, keras.callbacks.CallbackList):
            checks.instance(callback, keras.callbacks.Callback, "each of callbacks")
