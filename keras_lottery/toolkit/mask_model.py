"""Masking a model: the options, copies, and models that were pruned without masks."""

import warnings
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_lottery import checks
from keras_lottery.errors import LotteryError
from keras_lottery.masking import arguments, learned, state
from keras_lottery.masking.attach import choose
from keras_lottery.masking.copying import copy_model
from keras_lottery.masking.inventory import Inventory
from keras_lottery.masking.mask_layer import MaskedVariable, masked
from keras_lottery.masking.masked_layer import attach
from keras_lottery.masking.options import MaskOptions, Patterns, options_from
from keras_lottery.masking.parametrizations import parametrizations
from keras_lottery.toolkit.selection import select

__all__ = ["mask", "mask_inventory", "mask_selected"]

MOSTLY_ZERO = 0.5
"""Fraction of zeros from which on weights are taken for those of a pruned model."""


def mask(
    model: keras.Model,
    include: Patterns = (),
    exclude: Patterns = (),
    biases: bool = False,
    norms: bool = False,
    embeddings: bool = True,
    output: bool = True,
    in_place: bool = True,
    parametrization: str = "zero",
    output_layer: str = "",
    keep: float | None = None,
    from_zeros: bool = False,
    pattern: str = "weights",
) -> keras.Model:
    """Returns the model with a full mask on every variable that is to be pruned.

    It is still a Keras model: compile, fit, save and load work, and a model that was compiled and
    fitted keeps its compile state and its optimizer's slots. Masking again adds to what is masked.

    A pattern such as `*/output/*` matches structural paths (`layers/dense_1/kernel`), and paths
    with the names that layers were given (`layers/output/kernel`, `output/kernel`); such a name
    alone, `output`, matches all that is in the layer. Names that Keras made, such as `dense_1`,
    don't count: they differ between processes. Frozen variables (`trainable=False`), such as those
    of a distillation's teacher, are masked only if `include` matches them.

    Args:
        model: a built model of any kind.
        include: patterns; only matching variables are masked. Empty: all that are trained.
        exclude: patterns of variables that are never pruned.
        biases: mask biases too.
        norms: mask the scales and shifts of normalization layers too.
        embeddings: mask embeddings.
        output: mask the output layer.
        in_place: False: mask a copy, with weights and compile settings.
        parametrization: `zero`: pruned weights are 0; `frozen`: they are a fixed fill. Learned
            masks, under which only scores are trained and every weight and bias of the model
            keeps its value: `bernoulli` (supermasks; `bernoulli_rescaled`: dynamically rescaled)
            and `edge_popup` (`edge_popup_scaled`: weights times √(1 / keep)).
        output_layer: pattern of the output layer, where it is not found by itself.
        keep: `edge_popup`: fraction of every variable's weights that is kept; 0.5 if not given.
            (`set_masks` and `prune` change how many of a variable are kept.)
        from_zeros: take weights that are exactly 0 for pruned, as in a pruned model that was
            saved without its masks. A variable that is 0 throughout keeps a full mask: it is
            initialized to 0, not pruned.
        pattern: which weights will be pruned together; masks what `prune` needs for that. See
            `prune`.

    Raises:
        LotteryError: the model is not built, nothing in it can be pruned, a pattern matches
            nothing, LoRA is enabled on a layer to be masked, `keep` does not lie between 0 and 1,
            or it is to be copied and cannot be.

    Warns:
        UserWarning: most weights are exactly 0, and `from_zeros` is False.

    Example:
        >>> model = mask(model, exclude=("*/embedding/*",))
        >>> model = mask(model, parametrization="edge_popup", keep=0.3)
    """
    arguments.maskable_model(model)
    checks.truth(in_place, "in_place")
    options = options_from(
        include=include,
        exclude=exclude,
        biases=biases,
        norms=norms,
        embeddings=embeddings,
        output=output,
        output_layer=output_layer,
        pattern=pattern,
    )
    learned.check_keep(keep, parametrization)
    if parametrizations[parametrization].learned:
        _check_learned(model, from_zeros, parametrization, pattern)
    if not in_place:
        model = copy_model(model)
    inventory = select(model, options)
    added = attach(model, choose(inventory, options, parametrization), keep)
    if from_zeros:
        _take_zeros(added)
        state.set_masks(model, state.get_masks(model))  # which zeros the optimizer's slots too
    else:
        _hint_at_zeros(model, added)
    return model


def mask_selected(model: keras.Model, options: MaskOptions, more_than: float = 0.0) -> None:
    """Masks in place what `options` choose, as `mask` does with parametrization="zero".

    Args:
        model: built.
        options: what is masked.
        more_than: a larger fraction of zeros than this is warned of.
    """
    mask_inventory(select(model, options), options, more_than)


def mask_inventory(inventory: Inventory, options: MaskOptions, more_than: float = 0.0) -> None:
    """Does what `mask_selected` does, in a model of which there is an inventory."""
    model = inventory.model
    missing = [c for c in choose(inventory, options, "zero") if masked(c[0].variable) is None]
    if missing:
        _hint_at_zeros(model, attach(model, missing), more_than)


def _take_zeros(added: list[MaskedVariable]) -> None:
    """Prunes what is 0 already."""
    for record in added:
        kept = _values(record) != 0
        if kept.any():
            record.mask.assign(kept)


def _hint_at_zeros(model: keras.Layer, added: list[MaskedVariable], more_than: float = 0.0) -> None:
    """Warns where most of what was masked now, and a larger fraction than one given, is 0."""
    kept = [value != 0 for value in map(_values, added) if value.any()]
    size, nonzero = sum(k.size for k in kept), sum(int(k.sum()) for k in kept)
    if size and 1 - nonzero / size >= max(MOSTLY_ZERO, more_than):
        warnings.warn(
            f"{1 - nonzero / size:.0%} of the weights of {model.name!r} that can be pruned are "
            "exactly 0, and training fills them again. If the model was pruned before, mask it by "
            "kl.mask(model, from_zeros=True).",
            stacklevel=3,
        )


def _values(record: MaskedVariable) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(record.variable.value))


def _check_learned(model: Any, from_zeros: bool, parametrization: str, pattern: str) -> None:
    learned.check_optimizer(model)
    if from_zeros:
        raise LotteryError(
            "Expected from_zeros=True only with a mask that is given. Received: it with the "
            f"learned mask {parametrization!r}, whose scores choose. Leave one of the two out."
        )
    if pattern != "weights":
        raise LotteryError(
            f"Expected pattern='weights' with the learned mask {parametrization!r}, whose scores "
            f"choose single weights. Received: {pattern!r}. Leave one of the two out."
        )
