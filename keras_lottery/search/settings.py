"""Checks of a search's model, data and arguments of `fit`."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_lottery import masking, pruning
from keras_lottery.errors import LotteryError, unknown_name
from keras_lottery.toolkit.callbacks import GradualPruning
from keras_lottery.training import (
    Epochs,
    epochs_of,
    fit,
    is_arrays,
    is_one_shot,
    kept_for_training,
    length,
)
from keras_lottery.training.fit import callback_list
from keras_lottery.types import MaskSet

_OWN = {
    "seed": "Pass it to TicketSearch(seeds=...).",
    "initial_epoch": "Tickets start at TicketSearch(rewind_to=...).",
    "initial_step": "Tickets start at TicketSearch(rewind_to=...).",
    "program": "A search compiles its own.",
}
_PRUNES = (
    "Expected callbacks that leave the masks alone, since a search prunes between trainings. "
    "Received: "
)
DEFAULTS: dict[str, Any] = {
    name: parameter.default
    for name, parameter in inspect.signature(fit).parameters.items()
    if name not in ("model", *_OWN)
}
"""The arguments of `TicketSearch.fit`, as in `fit`."""


def check_model(model: keras.Model) -> None:
    """Checks that a search can start from a model.

    Raises:
        LotteryError: it is not built or compiled, or it is already pruned.
    """
    if not model.built or not model.compiled:
        raise LotteryError(
            "Expected a model that is built and compiled. Received: one that is not. "
            "Call model.build(input_shape) and model.compile(...) first."
        )
    if not masking.is_masked(model):
        return
    removed = pruning.sparsity(masking.get_masks(model))
    if removed or masking.is_learned(model):
        raise LotteryError(
            "Expected a dense model, since a search prunes it round by round. Received: one of "
            f"which {removed:.1%} of the prunable weights are masked. Pass the model as it was "
            "before it was masked, or continue with kl.prune and kl.fit."
        )


def check_settings(x: Any, settings: Mapping[str, Any]) -> None:
    """Checks the data and the other arguments of `TicketSearch.fit`.

    Raises:
        LotteryError: data that can be read only once, a callback that prunes, or an unknown
            argument.
    """
    for name in settings:
        if name in _OWN:
            raise LotteryError(
                f"Expected the arguments of keras.Model.fit that every training of a search "
                f"shares. Received: {name}={settings[name]!r}. {_OWN[name]}"
            )
        if name not in DEFAULTS:
            raise unknown_name("argument of TicketSearch.fit", name, DEFAULTS)
    for callback in callback_list(settings.get("callbacks")):
        if isinstance(callback, GradualPruning):
            raise LotteryError(f"{_PRUNES}GradualPruning. Leave it out.")
    for name, data in (("x", x), ("validation_data", settings.get("validation_data"))):
        if is_one_shot(data):
            raise LotteryError(
                f"Expected data that every network of a search can read again. Received: {name} is "
                f"a {type(data).__name__}, which yields each batch once. Pass arrays, a "
                "PyDataset, or tf.data.Dataset.from_generator(function, ...)."
            )


def check_masks_are_kept(model: keras.Model, masks: MaskSet) -> None:
    """Checks that a training has left the masks as they were, all ones where none was given.

    Raises:
        LotteryError: a callback has pruned.
    """
    for path, after in masking.get_masks(model).items():
        if not np.array_equal(after, masks.get(path, np.ones_like(after))):
            raise LotteryError(f"{_PRUNES}one that changed the mask of {path!r}. Leave it out.")


def validate_last(frequency: int | Sequence[int], epochs: int) -> list[int]:
    """Returns a `validation_freq`, as a list of epochs, that includes the last epoch."""
    if isinstance(frequency, Sequence):
        return sorted({*frequency, epochs})
    return sorted({*range(frequency, epochs + 1, frequency), epochs})


def with_length(x: Any, settings: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Returns data and settings; counts the batches of tf.data of unknown length, and repeats it.

    Args:
        x: as in `fit`.
        settings: its other arguments.
    """
    length_is_unknown = epochs_of(x, None, settings.get("steps_per_epoch")) is None
    # -1 means an infinite dataset.
    if not length_is_unknown or not hasattr(x, "cardinality") or int(x.cardinality()) == -1:
        return x, dict(settings)
    return x.repeat(), {**settings, "steps_per_epoch": sum(1 for _ in x)}


def epochs_of_data(x: Any, settings: Mapping[str, Any]) -> Epochs:
    """Returns the steps of each epoch.

    Raises:
        LotteryError: the length of the data is unknown, and `steps_per_epoch` is not set.
    """
    if is_arrays(x) and settings.get("validation_data") is None:
        kept = kept_for_training(length(x), settings.get("validation_split", 0.0))
        x = keras.tree.map_structure(lambda array: array[:kept], x)
    epochs = epochs_of(x, settings.get("batch_size"), settings.get("steps_per_epoch"))
    if epochs is None:
        raise LotteryError(
            "Expected data with a known number of batches per epoch. "
            f"Received: a {type(x).__name__} without a length. Pass steps_per_epoch."
        )
    return epochs
