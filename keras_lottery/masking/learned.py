"""Learned masks in a model: only scores are trained, all else keeps its values bit for bit."""

import zlib
from typing import Any

import keras
import numpy as np

from keras_lottery import checks
from keras_lottery.errors import LotteryError
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking import paths
from keras_lottery.masking.mask_layer import MaskedVariable, masked, records
from keras_lottery.masking.parametrizations import parametrizations
from keras_lottery.masking.parametrizations.bernoulli import mode_number
from keras_lottery.pruning.counts import count

__all__ = [
    "check_keep",
    "check_optimizer",
    "draw_scores",
    "draws",
    "freeze_rest",
    "is_learned",
    "scores",
    "set_kept",
    "set_mode",
    "was_frozen_by_masks",
]

_FROZEN = internals.hidden_name("frozen")


def is_learned(layer: keras.Layer) -> bool:
    """Returns True where at least one variable has a learned mask."""
    return any(record.parametrization.learned for record in records(layer))


def draws(layer: keras.Layer) -> bool:
    """Returns True where at least one mask is drawn anew at every use."""
    return any(record.parametrization.draws for record in records(layer))


def freeze_rest(layer: keras.Layer) -> None:
    """Leaves only the scores of learned masks to be trained.

    No optimizer, momentum or weight decay moves what it is not given. Batch-norm statistics, which
    no optimizer moves either, go on moving.
    """
    for variable in paths.variables(layer).values():
        if variable.trainable:
            variable.trainable = False
            setattr(variable, _FROZEN, True)


def was_frozen_by_masks(variable: keras.Variable) -> bool:
    """Returns True for what would be trained but for learned masks."""
    return bool(getattr(variable, _FROZEN, False))


def check_optimizer(model: Any) -> None:
    """Raises LotteryError where an optimizer already has slots for the weights."""
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and optimizer.built:
        raise LotteryError(
            "Expected a model whose optimizer has not begun, since learned masks train scores and "
            f"nothing else. Received: {model.name!r}, compiled and begun. Mask a plain copy, "
            "kl.mask(kl.strip(model), ...), and compile that."
        )


def check_keep(keep: float | None, parametrization: str) -> None:
    """Raises LotteryError where a fraction kept does not fit the parametrization."""
    if keep is None:
        return
    if parametrizations[parametrization].keep is None:
        raise LotteryError(
            "Expected keep only with a parametrization that keeps a fixed fraction, such as "
            f"'edge_popup'. Received: keep={keep} with {parametrization!r}. Leave keep out."
        )
    if not 0 < checks.number(keep, "keep") < 1:
        raise LotteryError(
            "Expected keep, the fraction of weights that edge-popup keeps in every variable, above "
            f"0 and below 1. Received: {keep}. Choose, say, 0.5."
        )


def set_kept(record: MaskedVariable, keep: float) -> None:
    """Lets a weight under edge-popup keep `size - floor((1 - keep) × size)` weights."""
    shape = tuple(record.variable.shape)
    size = int(np.prod(shape, dtype=np.int64))
    pruned = count(round(1 - keep, 12), size)
    record.mask.assign((np.arange(size) >= pruned).reshape(shape))


def set_mode(model: keras.Layer, mode: str) -> None:
    """Chooses what a network under `bernoulli` masks uses of them; nothing is traced again.

    Args:
        model: masked with `bernoulli` or `bernoulli_rescaled`.
        mode: `sample`, as it is at first: a new sample at every use, also at test time;
            `expected`: the probability; `threshold`: 1 where that is at least a half, as `strip`
            and `export` have it.

    Raises:
        LotteryError: there is no such mode, or the model has no such masks.
    """
    number = mode_number(mode)
    internals.sync_trainer(model)
    found = [record for record in records(model) if "mode" in record.extras]
    if not found:
        raise LotteryError(
            'Expected a model masked with parametrization="bernoulli". '
            f"Received: {model.name!r}, which is not. Mask it so first."
        )
    for record in found:
        record.extras["mode"].assign(number)


def draw_scores(model: keras.Layer, seed: int) -> None:
    """Gives all scores their first values, from `seed` and their paths alone."""
    for path, variable in paths.variables(model).items():
        record = masked(variable)
        if record is not None and record.parametrization.learned:
            record.draw_extras(np.random.default_rng([seed, zlib.crc32(path.encode())]))


def scores(model: keras.Layer) -> list[keras.Variable]:
    """Returns the scores that learned masks train."""
    return [
        record.extras[extra.name]
        for record in records(model)
        for extra in record.parametrization.extras
        if extra.trainable
    ]
