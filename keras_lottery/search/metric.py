"""The metric by which tickets are compared, and which of two of its values is better."""

import re
from collections.abc import Sequence
from contextlib import suppress

import keras

from keras_lottery.masking.keras_internals import compiled_metrics, metric_direction

VALIDATION, TRAINING = "validation", "training"
_DIRECTIONS = {"up": True, "down": False}


def choose_metric(model: keras.Model, names: Sequence[str]) -> str:
    """Returns the log by which tickets are compared, of the validation data where there are any.

    It is the first metric that the model was compiled with; without one, the total loss, and
    without that, the model's own first log.

    Args:
        model: trained.
        names: of its logs, in their order.
    """
    held_out = [name for name in names if name.startswith("val_")] or list(names)
    compiled = [name for name in held_out if _metric(model, name) is not None]
    losses = [name for name in held_out if name.removeprefix("val_") == "loss"]
    return [*compiled, *losses, *held_out][0]


def measured_on(metric: str) -> str:
    """Returns whether a log is of the `validation` or of the `training` data."""
    return VALIDATION if metric.startswith("val_") else TRAINING


def higher_is_better(model: keras.Model, name: str) -> bool | None:
    """Returns True where larger values of a log are better, False where smaller ones are.

    Keras knows it of its own metrics and losses. None: of this one it doesn't.
    """
    metric = _metric(model, name)
    direction = metric_direction(metric) if metric is not None else None
    if direction is not None:
        return _DIRECTIONS[direction]
    return _by_name(name.removeprefix("val_") if metric is None else metric.name)


def _metric(model: keras.Model, name: str) -> keras.metrics.Metric | None:
    """Returns the compiled metric of a log, which an output's name may stand before."""
    name = name.removeprefix("val_")
    for metric in compiled_metrics(model):
        if re.fullmatch(rf"(.*_)?{re.escape(metric.name)}(_\d+)?", name):
            return metric
    return None


def _by_name(name: str) -> bool | None:
    """Returns what Keras knows of a metric or a loss of this name."""
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
