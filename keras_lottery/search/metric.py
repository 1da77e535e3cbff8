"""The metric by which tickets are compared, and its direction."""

import re
from collections.abc import Sequence
from contextlib import suppress

import keras

from keras_lottery.masking.keras_internals import compiled_metrics, metric_direction

VALIDATION, TRAINING = "validation", "training"
_DIRECTIONS = {"up": True, "down": False}


def choose_metric(model: keras.Model, names: Sequence[str]) -> str:
    """Returns the log by which tickets are compared, on validation data if there are any.

    It is the first metric that the model was compiled with, otherwise the total loss, otherwise the
    model's first log.

    Args:
        model: the trained model.
        names: names of its logs, in order.
    """
    held_out = [name for name in names if name.startswith("val_")] or list(names)
    compiled = [name for name in held_out if _metric(model, name) is not None]
    losses = [name for name in held_out if name.removeprefix("val_") == "loss"]
    return [*compiled, *losses, *held_out][0]


def measured_on(metric: str) -> str:
    """Returns whether a log is measured on `validation` or `training` data."""
    return VALIDATION if metric.startswith("val_") else TRAINING


def higher_is_better(model: keras.Model, name: str) -> bool | None:
    """Returns True if larger values of a log are better, False if smaller ones are.

    The direction is known for Keras' built-in metrics and losses. None: unknown.
    """
    metric = _metric(model, name)
    direction = metric_direction(metric) if metric is not None else None
    if direction is not None:
        return _DIRECTIONS[direction]
    return _by_name(name.removeprefix("val_") if metric is None else metric.name)


def _metric(model: keras.Model, name: str) -> keras.metrics.Metric | None:
    """Returns the compiled metric of a log, whose name may start with that of an output."""
    name = name.removeprefix("val_")
    for metric in compiled_metrics(model):
        if re.fullmatch(rf"(.*_)?{re.escape(metric.name)}(_\d+)?", name):
            return metric
    return None


def _by_name(name: str) -> bool | None:
    """Returns the direction of Keras' metric or loss with this name; None if there is none."""
    if name == "loss" or name.endswith("_loss"):
        return False
    with suppress(ValueError, TypeError):
        direction = metric_direction(keras.metrics.get(name))
        if direction is not None:
            return _DIRECTIONS[direction]
    with suppress(ValueError, TypeError):
        keras.losses.get(name)
        return False
    return None
