"""Masking a model or its copy, including models that were pruned without masks."""

import warnings

import keras
import numpy as np

from keras_lottery import backend, checks
from keras_lottery.errors import LotteryError
from keras_lottery.masking import arguments, learned, state
from keras_lottery.masking.add_masks import choose
from keras_lottery.masking.copying import copy_model
from keras_lottery.masking.inventory import Inventory
from keras_lottery.masking.masked_layer import attach
from keras_lottery.masking.masked_variable import MaskedVariable, masked
from keras_lottery.masking.options import MaskOptions, Patterns, options_from
from keras_lottery.masking.parametrizations import parametrizations
from keras_lottery.toolkit.selection import select

__all__ = ["mask", "mask_inventory", "mask_selected"]

MOSTLY_ZERO = 0.5
"""Fraction of zeros from which a model is assumed to have been pruned before."""


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
    """Returns the model with an all-ones mask on every variable to be pruned.

    It is still a Keras model: compile, fit, save and load work, and a compiled and trained model
    keeps its compile state and optimizer slots. Masking again adds masks.

    A path pattern such as `*/output/*` matches structural paths (`layers/dense_1/kernel`) and paths
    with user-given layer names (`layers/output/kernel`, `output/kernel`). A name alone, `output`,
    matches everything in the layer. Structural paths number the layers of one class by their
    position in the model, so they are the same in every process. Keras' automatic names, which
    count all layers created so far, don't match. Frozen variables (`trainable=False`), such as the
    teacher's in distillation, are masked only if `include` matches them.

    Args:
        model: a built model of any kind.
        include: path patterns; only matching variables are masked. Empty: kernels and embeddings.
        exclude: path patterns of variables that are never pruned.
        biases: mask biases too.
        norms: mask the scales and shifts of normalization layers too.
        embeddings: mask embeddings.
        output: mask the output layer.
        in_place: False: mask a copy, with weights and compile settings.
        parametrization: `zero`: pruned weights are 0; `frozen`: they are a fixed fill. Learned
            masks train scores only, and no weight or bias changes: `bernoulli` (supermasks;
            `bernoulli_rescaled`: dynamically rescaled) and `edge_popup` (`edge_popup_scaled`:
            weights times √(1 / keep)). Copy such a model with `in_place=False`: `clone_model` of a
            Sequential model makes layers without masks trainable again.
        output_layer: path pattern of the output layer, if it isn't detected.
        keep: `edge_popup`: fraction of every variable's weights that is kept; 0.5 by default.
            (`set_masks` and `prune` change how many weights of a variable are kept.)
        from_zeros: treat weights that are exactly 0 as pruned, for a pruned model saved without
            its masks. A variable that is all zeros keeps an all-ones mask: it is initialized
            to 0, not pruned.
        pattern: which weights will be pruned together; also masks the variables that `prune`
            needs for it. See `prune`.

    Raises:
        LotteryError: the model is not built, nothing in it can be pruned, a pattern matches
            nothing, LoRA is enabled on a layer to be masked, `keep` is not between 0 and 1, or
            the model cannot be copied.

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
    chosen = choose(inventory, options, parametrization)
    added = attach(model, chosen, keep, is_new=not in_place)
    if from_zeros:
        _take_zeros(added)
        state.set_masks(model, state.get_masks(model))  # also zeroes optimizer slots
    else:
        _hint_at_zeros(model, added)
    return model


def mask_selected(model: keras.Model, options: MaskOptions, more_than: float = 0.0) -> None:
    """Masks the variables that `options` choose, in place, with parametrization="zero".

    Args:
        model: built.
        options: which variables to mask.
        more_than: warn only about a larger fraction of zeros than this.
    """
    mask_inventory(select(model, options), options, more_than)


def mask_inventory(inventory: Inventory, options: MaskOptions, more_than: float = 0.0) -> None:
    """Masks as `mask_selected` does, given the model's inventory."""
    model = inventory.model
    missing = [c for c in choose(inventory, options, "zero") if masked(c[0].variable) is None]
    if missing:
        _hint_at_zeros(model, attach(model, missing), more_than)


def _take_zeros(added: list[MaskedVariable]) -> None:
    """Prunes weights that are 0."""
    for record in added:
        kept = _values(record) != 0
        if kept.any():
            record.mask.assign(kept)


def _hint_at_zeros(model: keras.Layer, added: list[MaskedVariable], more_than: float = 0.0) -> None:
    """Warns if most of the newly masked weights, and more than `more_than`, are 0."""
    size = nonzero = 0
    for value in map(_values, added):
        if count := int(np.count_nonzero(value)):
            size, nonzero = size + value.size, nonzero + count
    if size and 1 - nonzero / size >= max(MOSTLY_ZERO, more_than):
        warnings.warn(
            f"{1 - nonzero / size:.0%} of the weights of {model.name!r} that can be pruned are "
            "exactly 0, and training will change them. If the model was pruned before, mask it "
            "with kl.mask(model, from_zeros=True).",
            stacklevel=3,
        )


def _values(record: MaskedVariable) -> np.ndarray:
    return backend.view(record.variable.value)


def _check_learned(
    model: keras.Layer, from_zeros: bool, parametrization: str, pattern: str
) -> None:
    learned.check_optimizer(model)
    if from_zeros:
        raise LotteryError(
            "Expected from_zeros=True only without learned masks. Received: "
            f"parametrization={parametrization!r}, whose scores choose the weights. Leave one of "
            "the two out."
        )
    if pattern != "weights":
        raise LotteryError(
            f"Expected pattern='weights' with the learned mask {parametrization!r}, whose scores "
            f"choose single weights. Received: {pattern!r}. Leave one of the two out."
        )
