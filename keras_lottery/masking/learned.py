"""Learned masks: only scores are trained, all weights keep their values bit for bit."""

import zlib

import keras
import numpy as np

from keras_lottery import checks
from keras_lottery.errors import LotteryError
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking import paths
from keras_lottery.masking.mask_holder import masked_variables
from keras_lottery.masking.masked_variable import MaskedVariable, masked
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
    """Returns True if at least one variable has a learned mask."""
    return any(record.parametrization.learned for record in masked_variables(layer))


def draws(layer: keras.Layer) -> bool:
    """Returns True if at least one mask is sampled at every use."""
    return any(record.parametrization.draws for record in masked_variables(layer))


def freeze_rest(layer: keras.Layer) -> None:
    """Makes every variable untrainable except the scores of learned masks.

    Optimizers, momentum and weight decay then don't touch the weights. Batch-norm statistics are
    still updated.
    """
    for variable in paths.variables(layer).values():
        if variable.trainable:
            variable.trainable = False
            setattr(variable, _FROZEN, True)


def was_frozen_by_masks(variable: keras.Variable) -> bool:
    """Returns True for a variable that would be trained without learned masks."""
    return bool(getattr(variable, _FROZEN, False))


def check_optimizer(model: keras.Layer) -> None:
    """Raises LotteryError if the optimizer already has slots for the weights."""
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and optimizer.built:
        raise LotteryError(
            "Expected a model whose optimizer is not built yet, since learned masks train scores "
            f"only. Received: {model.name!r}, which has been trained. Mask a plain copy, "
            "kl.mask(kl.strip(model), ...), and compile that."
        )


def check_keep(keep: float | None, parametrization: str) -> None:
    """Raises LotteryError if `keep` is out of range or the parametrization doesn't take it."""
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
    """Makes edge-popup keep `size - floor((1 - keep) × size)` weights of a variable."""
    shape = tuple(record.variable.shape)
    size = int(np.prod(shape, dtype=np.int64))
    pruned = count(round(1 - keep, 12), size)
    record.mask.assign((np.arange(size) >= pruned).reshape(shape))


def set_mode(model: keras.Layer, mode: str) -> None:
    """Chooses how a network evaluates `bernoulli` masks, without retracing.

    Args:
        model: masked with `bernoulli` or `bernoulli_rescaled`.
        mode: `sample` (the default): a new sample at every use, also at test time; `expected`:
            the probability; `threshold`: 1 where that is at least a half, as in `strip` and
            `export`.

    Raises:
        LotteryError: the mode is unknown, or the model has no `bernoulli` masks.
    """
    number = mode_number(mode)
    internals.sync_trainer(model)
    bernoulli = [record for record in masked_variables(model) if "mode" in record.extras]
    if not bernoulli:
        raise LotteryError(
            'Expected a model masked with parametrization="bernoulli". Received: '
            f'{model.name!r}, which is not. Call kl.mask(model, parametrization="bernoulli").'
        )
    for record in bernoulli:
        record.extras["mode"].assign(number)


def draw_scores(model: keras.Layer, seed: int) -> None:
    """Initializes all scores; their values depend on `seed` and their paths only."""
    for path, variable in paths.variables(model).items():
        record = masked(variable)
        if record is not None and record.parametrization.learned:
            record.draw_extras(np.random.default_rng([seed, zlib.crc32(path.encode())]))


def scores(model: keras.Layer) -> list[keras.Variable]:
    """Returns the scores that learned masks train."""
    return [
        record.extras[extra.name]
        for record in masked_variables(model)
        for extra in record.parametrization.extras
        if extra.trainable
    ]
