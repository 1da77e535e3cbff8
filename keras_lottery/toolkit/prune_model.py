"""Pruning a Keras model: from its weights to its masks in one call."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import keras

from keras_lottery import checks, pruning
from keras_lottery.errors import LotteryError
from keras_lottery.masking import arguments, state
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking.inventory import FROZEN, Inventory, read_model
from keras_lottery.masking.options import MaskOptions, Patterns, options_from
from keras_lottery.toolkit.mask_model import mask_inventory
from keras_lottery.toolkit.summarize_model import Summary, masked_infos, summarize
from keras_lottery.training.derivatives import derive
from keras_lottery.types import MaskSet, VariableInfo, Weights

__all__ = ["prune", "prune_selected"]


def prune(
    model: keras.Model,
    sparsity: float = 0.9,
    criterion: str = "magnitude",
    scope: str = "global",
    data: tuple[Any, Any] | None = None,
    dry_run: bool = False,
    initial: Weights | None = None,
    seed: int = 0,
    include: Patterns = (),
    exclude: Patterns = (),
    biases: bool = False,
    norms: bool = False,
    embeddings: bool = True,
    output: bool = True,
    output_layer: str = "",
) -> Summary:
    """Prunes a model to a sparsity, and returns what is kept of each variable.

    A model without masks is masked first, as `mask` does with the same options. In one that has
    masks, the options narrow what is pruned, and biases and norms are pruned where they have
    masks. Exactly floor(sparsity × prunable) weights are pruned in all, those pruned before
    included.

    Args:
        model: a built model.
        sparsity: fraction removed of the prunable weights, in [0, 1].
        criterion: name of a registered criterion.
        scope: name of a registered allocation: `global`, `layer`, `uniform`, `erk`.
        data: (x, y) for criteria that need derivatives of the loss; the model must be compiled
            then. `synflow` looks at the shape of one example only.
        dry_run: only say what would be kept; the model stays as it is.
        initial: weights by path that training started from, for criteria that need them.
        seed: for criteria that draw.
        include: patterns; only matching variables are pruned. See `mask`.
        exclude: patterns of variables that are not pruned.
        biases: prune biases too.
        norms: prune the scales and shifts of normalization layers too.
        embeddings: prune embeddings.
        output: prune the output layer.
        output_layer: pattern of the output layer, where it is not found by itself.

    Raises:
        LotteryError: a weight is NaN or infinite, the model is sparser already, a name is not
            known, a pattern matches nothing, or the criterion needs what is not given.

    Example:
        >>> print(prune(model, sparsity=0.9))
        >>> print(prune(model, sparsity=0.9, exclude="*/output/*"))
    """
    options = options_from(include, exclude, biases, norms, embeddings, output, output_layer)
    return prune_selected(
        model,
        sparsity,
        options,
        criterion=criterion,
        scope=scope,
        data=data,
        dry_run=dry_run,
        initial=initial,
        seed=seed,
    )


def prune_selected(
    model: keras.Model,
    sparsity: float,
    options: MaskOptions,
    *,
    criterion: str = "magnitude",
    scope: str = "global",
    data: tuple[Any, Any] | None = None,
    dry_run: bool = False,
    initial: Weights | None = None,
    seed: int = 0,
) -> Summary:
    """Prunes as `prune` does, with the selection given as one object."""
    arguments.maskable_model(model)
    sparsity, seed = checks.fraction(sparsity, "sparsity"), checks.seed(seed)
    dry_run = checks.truth(dry_run, "dry_run")
    _ = pruning.criteria[criterion], pruning.allocations[scope]
    if initial is not None:
        checks.instance(initial, Mapping, "initial")  # type: ignore[type-abstract]
    internals.sync_trainer(model)
    inventory = read_model(model, options)
    infos, masks = _what(inventory, options)
    weights = state.weights_of(inventory.variables)
    checks.finite_weights(weights, [info.path for info in infos if info.prunable])
    if not masks and not dry_run:
        mask_inventory(inventory, options, more_than=sparsity)
        infos, masks = _what(inventory, options)
    pruned = pruning.prune_to(
        weights,
        masks,
        infos,
        sparsity,
        criterion=criterion,
        scope=scope,
        derive=_derive(model, criterion, data, seed),
        initial=initial,
        seed=seed,
    )
    if not dry_run:
        state.set_masks(model, pruned)
    return summarize(infos, pruned)


def summary_selected(model: keras.Model, options: MaskOptions) -> Summary:
    """Returns the summary of what `prune_selected` prunes under these options."""
    internals.sync_trainer(model)
    return summarize(*_what(read_model(model, options), options))


def _what(inventory: Inventory, options: MaskOptions) -> tuple[list[VariableInfo], MaskSet]:
    """Returns the variables with what can be pruned marked, and the masks that there are."""
    masks = state.masks_of(inventory.variables)
    if not masks:
        return inventory.infos, {}
    infos = masked_infos(inventory.under(MaskOptions()), masks)
    if options == MaskOptions():
        return infos, masks
    chosen = inventory.under(replace(options, biases=True, norms=True)).infos
    narrowed = [
        replace(info, prunable=False, reason=other.reason)
        if info.prunable and other.reason not in ("", FROZEN)
        else info
        for info, other in zip(infos, chosen, strict=True)
    ]
    return narrowed, masks


def _derive(
    model: keras.Model, criterion: str, data: Any, seed: int
) -> Callable[[str, MaskSet], Weights]:
    """Returns what gives the criterion the derivatives that it needs."""
    derived = pruning.criteria[criterion].derived
    if derived and not (isinstance(data, tuple | list) and len(data) == 2):
        raise LotteryError(
            f"Expected data=(x, y) for the criterion {criterion!r}, which needs the "
            f"{', '.join(sorted(derived))}. Received: {type(data).__name__}. "
            "Pass some examples with their targets."
        )
    return lambda name, masks: derive(name, model, *data, masks=masks, seed=seed)
