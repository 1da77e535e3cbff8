"""Masking a model: which layer holds which mask, and what becomes of a compiled model."""

import keras

from keras_lottery import checks
from keras_lottery.errors import LotteryError
from keras_lottery.masking import arguments, guard, learned
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking.classes import give_class, is_swapped
from keras_lottery.masking.describe import MaskOptions, Prunable, find, options_from
from keras_lottery.masking.holder import MaskHolder, is_wrapper, masked
from keras_lottery.masking.model import records
from keras_lottery.masking.parametrizations import parametrizations

__all__ = ["adopt", "attach_names", "attach_options", "mask"]

Patterns = str | tuple[str, ...] | list[str]


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
) -> keras.Model:
    """Returns the model with a full mask on every variable that is to be pruned.

    It is still a Keras model: compile, fit, save and load work, and a model that was compiled and
    fitted keeps its compile state and its optimizer's slots. Masking again adds to what is masked.

    Args:
        model: a built model of any kind.
        include: path patterns; only matching variables are masked. Empty: all.
        exclude: path patterns of variables that are never pruned.
        biases: mask biases too.
        norms: mask the scales and shifts of normalization layers too.
        embeddings: mask embeddings.
        output: mask the output layer.
        in_place: False: mask a copy, with weights and compile settings.
        parametrization: `zero`: pruned weights are 0; `frozen`: they are a fixed fill. Learned
            masks, under which only scores are trained and every weight and bias of the model
            keeps its value: `bernoulli` (supermasks; `bernoulli_rescaled`: dynamically rescaled)
            and `edge_popup` (`edge_popup_scaled`: weights times √(1 / keep)).
        output_layer: path pattern of the output layer, where it is not found by itself.
        keep: `edge_popup`: fraction of every variable's weights that is kept; 0.5 if not given.
            (`set_masks` and `prune` change how many of a variable are kept.)

    Raises:
        LotteryError: the model is not built, nothing in it can be pruned, `keep` does not lie
            between 0 and 1, or it is to be copied and cannot be.

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
        learned.check_optimizer(model)
    if not in_place:
        from keras_lottery.masking.copying import copy_model

        model = copy_model(model)
    attach_options(model, options, parametrization, keep)
    return model


def attach_options(
    layer: keras.Layer, options: MaskOptions, parametrization: str, keep: float | None = None
) -> None:
    """Masks the variables of a built layer or model that `options` choose."""
    chosen = [one for one in find(layer, options) if one.info.prunable]
    if not chosen:
        raise LotteryError(_nothing(layer, options))
    _attach(layer, [(one, parametrization) for one in chosen])
    for one in chosen:
        if keep is not None and (record := masked(one.variable)) is not None:
            learned.set_kept(record, keep)


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


def _attach(layer: keras.Layer, chosen: list[tuple[Prunable, str]]) -> None:
    """Gives variables their masks and layers their classes; traced functions are made anew."""
    internals.sync_trainer(layer)
    changed = False
    for found, parametrization in chosen:
        record = masked(found.variable)
        if record is None or record.parametrization.name != parametrization:
            _add(found, parametrization)
            changed = True
    if learned.is_learned(layer):
        learned.freeze_rest(layer)
    give_class(layer)
    for one in internals.flatten_layers(layer):
        # A part that is saved or cloned by itself keeps its masks too.
        if records(one) and not is_wrapper(one):
            give_class(one)
    if isinstance(layer, keras.Model):
        guard.install(layer)
    if changed:
        internals.retrack(layer)
        internals.remake_functions(layer)


def _add(one: Prunable, parametrization: str) -> None:
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


def _nothing(layer: keras.Layer, options: MaskOptions) -> str:
    reasons = [f"{one.info.path} ({one.info.reason})" for one in find(layer, options)]
    return (
        f"Expected a model with variables that can be pruned. Received: {layer.name!r} with "
        f"{'; '.join(reasons) or 'no weights'}. Change include, exclude and the other options, or "
        "call register_prunable for a layer of your own."
    )
