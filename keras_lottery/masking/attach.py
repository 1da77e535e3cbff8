"""Masking a model: which layer holds which mask, and what becomes of a compiled model."""

import warnings
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_lottery import checks
from keras_lottery.errors import LotteryError
from keras_lottery.masking import arguments, guard, learned
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking.classes import give_class, is_swapped
from keras_lottery.masking.describe import LORA, STATE, Prunable, find
from keras_lottery.masking.holder import MaskedVariable, MaskHolder, is_wrapper, masked
from keras_lottery.masking.model import records
from keras_lottery.masking.options import MaskOptions, Patterns, options_from
from keras_lottery.masking.parametrizations import parametrizations
from keras_lottery.patterns import matches

__all__ = ["adopt", "attach_names", "attach_options", "mask", "mask_selected"]

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
    )
    learned.check_keep(keep, parametrization)
    if parametrizations[parametrization].learned:
        _check_learned(model, from_zeros, parametrization)
    if not in_place:
        from keras_lottery.masking.copying import copy_model

        model = copy_model(model)
    added = attach_options(model, options, parametrization, keep)
    if from_zeros:
        _take_zeros(added)
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
    _hint_at_zeros(model, attach_options(model, options, "zero"), more_than)


def attach_options(
    layer: keras.Layer, options: MaskOptions, parametrization: str, keep: float | None = None
) -> list[MaskedVariable]:
    """Masks what `options` choose in a built layer or model; returns the new masks."""
    found = find(layer, options)
    _check_lora(found, options)
    chosen = [one for one in found if one.info.prunable]
    if not chosen:
        raise LotteryError(_nothing(layer, found))
    added = _attach(layer, [(one, parametrization) for one in chosen])
    for one in chosen:
        if keep is not None and (record := masked(one.variable)) is not None:
            learned.set_kept(record, keep)
    return added


def attach_names(layer: keras.Layer, names: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Masks variables by their path; returns those that the layer does not have (yet)."""
    by_path = {one.info.path: one for one in find(layer)}
    chosen = [(by_path[name], kind) for name, kind in names if name in by_path]
    _attach(layer, chosen)
    return [(name, kind) for name, kind in names if name not in by_path]


def adopt(model: keras.Layer) -> None:
    """Gives a model around masked layers what `mask` gives: the guard, and its part in `fit`."""
    if isinstance(model, keras.Model) and not is_swapped(model):
        internals.sync_trainer(model)
        give_class(model)
        guard.install(model)
        internals.remake_functions(model)


def _attach(layer: keras.Layer, chosen: list[tuple[Prunable, str]]) -> list[MaskedVariable]:
    """Gives variables their masks and layers their classes; traced functions are made anew."""
    internals.sync_trainer(layer)
    added = []
    for found, parametrization in chosen:
        record = masked(found.variable)
        if record is None or record.parametrization.name != parametrization:
            added.append(_add(found, parametrization))
    if learned.is_learned(layer):
        learned.freeze_rest(layer)
    give_class(layer)
    for one in internals.flatten_layers(layer):
        # A part that is saved or cloned by itself keeps its masks too.
        if records(one) and not is_wrapper(one):
            give_class(one)
    if isinstance(layer, keras.Model):
        guard.install(layer)
    if added:
        internals.retrack(layer)
        internals.remake_functions(layer)
    return added


def _add(one: Prunable, parametrization: str) -> MaskedVariable:
    record = masked(one.variable)
    if record is not None and (parametrization == "zero" or record.parametrization.learned):
        raise LotteryError(
            f"Expected the parametrization that {one.info.path!r} has, "
            f"{record.parametrization.name!r}. Received: {parametrization!r}. "
            "Strip the model first, or mask a fresh one."
        )
    chosen = parametrizations[parametrization]
    added = MaskHolder.within(one.owner).add(one.name, one.variable, chosen)
    if chosen.keep is not None:
        learned.set_kept(added, chosen.keep)
    return added


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


def _check_learned(model: Any, from_zeros: bool, parametrization: str) -> None:
    learned.check_optimizer(model)
    if from_zeros:
        raise LotteryError(
            "Expected from_zeros=True only with a mask that is given. Received: it with the "
            f"learned mask {parametrization!r}, whose scores choose. Leave one of the two out."
        )


def _check_lora(found: list[Prunable], options: MaskOptions) -> None:
    """Refuses to mask layers under LoRA: their kernel W + AB would stay dense."""
    for one in found:
        places, layer = one.info.places, one.info.path.rpartition("/")[0]
        chosen = not options.include or matches(places, options.include)
        if one.info.reason == LORA and chosen and not matches(places, options.exclude):
            raise LotteryError(
                "Expected a layer without LoRA, under which the kernel that is used is W + AB and "
                f"no mask of W makes it sparse. Received: {layer!r}. Merge W + AB first, "
                "by model = kl.strip(model), or exclude the layer."
            )


def _nothing(layer: keras.Layer, found: list[Prunable]) -> str:
    reasons = [f"{o.info.path} ({o.info.reason})" for o in found if o.info.kind != STATE]
    more = f"; and {len(reasons) - 8} more" if len(reasons) > 8 else ""
    return (
        f"Expected a model with variables that can be pruned. Received: {layer.name!r} with "
        f"{'; '.join(reasons[:8]) or 'no weights'}{more}. Change include, exclude and the other "
        "options, or call register_prunable for a layer of your own."
    )
