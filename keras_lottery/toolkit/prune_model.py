"""Pruning a Keras model in one call."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_lottery import backend, checks, pruning
from keras_lottery.errors import LotteryError
from keras_lottery.masking import arguments, state
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking.add_masks import choose
from keras_lottery.masking.inventory import FROZEN, Inventory
from keras_lottery.masking.learned import is_learned
from keras_lottery.masking.options import MaskOptions, Patterns, options_from
from keras_lottery.toolkit.mask_model import mask_inventory
from keras_lottery.toolkit.selection import select
from keras_lottery.toolkit.summarize_model import masked_infos, summarize
from keras_lottery.toolkit.summary_table import Summary
from keras_lottery.toolkit.target import Sparsity, Target, prune_to_target
from keras_lottery.training.derivatives import derive
from keras_lottery.types import MaskSet, VariableInfo, Weights

__all__ = ["prune", "prune_selected"]


def prune(
    model: keras.Model,
    sparsity: Sparsity | None = None,
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
    pattern: str = "weights",
    flops: float | None = None,
    bytes: int | None = None,
) -> Summary:
    """Prunes a model to a target, and returns a table of kept weights per variable.

    A model without masks is masked first, as `mask` does with the same options. In a masked model
    the options select among its masks, and masked biases and norms are pruned too. Exactly
    floor(sparsity × prunable) weights are pruned in total, counting those that were already
    pruned; with a pattern, that many groups of weights.

    `pattern="channels"` removes a channel with every weight that computes or reads it: its
    filter, bias and batch-norm scale and shift, and its slices in the next layers. Coupled
    channels (of a residual stream, of an LSTM unit's gates, of an attention head) are removed
    together. Each layer keeps at least one channel, and the model's inputs and outputs stay.
    `compact` then makes the layers smaller. `pattern="channels:8"` leaves a multiple of eight
    channels in each layer, at least eight, which CPU kernels compute faster; the number kept is
    rounded up, so slightly less than `sparsity` may be removed. Targets of FLOPs or bytes are met.

    Args:
        model: a built model.
        sparsity: fraction removed of the prunable weights, or groups of weights, in [0, 1); or a
            mapping by path pattern, group (`conv`, `dense`, ...) or `output`, which leaves all
            other variables unchanged. Without a target: 0.9; 0.5 of the channels; (M - N) / M
            with an N:M pattern.
        criterion: name of a registered criterion.
        scope: name of a registered allocation: `global`, `layer`, `uniform`, `erk`.
        data: (x, y) for criteria that need derivatives of the loss of a compiled model. `synflow`
            only uses the shape of one example.
        dry_run: return the table without pruning the model.
        initial: initial weights by path, for criteria that need them.
        seed: seed of random criteria.
        include: path patterns; only matching variables are pruned. See `mask`.
        exclude: path patterns of variables that are not pruned.
        biases: prune biases too.
        norms: prune the scales and shifts of normalization layers too.
        embeddings: prune embeddings.
        output: prune the output layer.
        output_layer: path pattern of the output layer, if it isn't detected.
        pattern: which weights are pruned together: `weights` (individually), `channels` or
            `channels:8`, N:M sparsity along the input axis such as `2:4`, or blocks such as
            `block:4x4`.
        flops: instead of a sparsity, fraction of the floating-point operations that compaction is
            to remove, in [0, 1]. Channels only.
        bytes: instead of a sparsity, maximum size in bytes of the compacted model's parameters.
            Channels only.

    Raises:
        LotteryError: a weight is NaN or infinite, the model is already sparser, a name is
            unknown, a pattern matches nothing, an argument that the criterion needs is missing,
            there are two targets, or no set of channels reaches the target.

    Example:
        >>> print(prune(model, sparsity=0.9))
        >>> print(prune(model, flops=0.5, pattern="channels", criterion="taylor", data=(x, y)))
        >>> print(prune(model, sparsity={"*/dense/*": 0.9, "conv": 0.5}))
        >>> print(prune(model, sparsity=0.9, exclude="*/output/*"))
    """
    options = options_from(
        include, exclude, biases, norms, embeddings, output, output_layer, pattern
    )
    return prune_selected(
        model,
        Target(sparsity, flops, bytes),
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
    target: Sparsity | Target,
    options: MaskOptions,
    *,
    criterion: str = "magnitude",
    scope: str = "global",
    data: tuple[Any, Any] | None = None,
    dry_run: bool = False,
    initial: Weights | None = None,
    seed: int = 0,
) -> Summary:
    """Prunes as `prune` does, with the target and the options as objects."""
    arguments.maskable_model(model)
    target = target if isinstance(target, Target) else Target(target)
    target, seed = target.checked(options.pattern), checks.seed(seed)
    dry_run = checks.truth(dry_run, "dry_run")
    pruning.check_choices(options.pattern, criterion, scope)
    if initial is not None:
        checks.instance(initial, Mapping, "initial")  # type: ignore[type-abstract]
    if options.pattern != "weights" and is_learned(model):
        raise LotteryError(
            "Expected pattern='weights' for a model with learned masks, whose scores choose single "
            f"weights. Received: {options.pattern!r}. Strip the model first."
        )
    fills = state.get_fills(model) if pruning.needs_channels(options.pattern) else {}
    if any(fill.any() for fill in fills.values()):
        raise LotteryError(
            "Expected pruned weights of 0, which switch channels off. Received: "
            "parametrization='frozen' with other values. Strip the model first."
        )
    internals.sync_trainer(model)
    inventory = select(model, options)
    infos, masks = _selected(inventory, options)
    adds_masks = not masks or pruning.needs_channels(options.pattern)
    weights = {path: backend.view(v.value) for path, v in inventory.variables.items()}
    checks.finite_weights(weights, [info.path for info in infos if info.prunable])
    if adds_masks:
        choose(inventory, options, "zero")  # raises before anything changes
    prune_to = prune_to_target(target, inventory, infos, options.pattern)
    pruned = prune_to(
        weights,
        masks,
        infos,
        criterion=criterion,
        scope=scope,
        derive=_derive(model, criterion, data, seed, options.pattern),
        initial=initial,
        seed=seed,
        pattern=options.pattern,
    )
    del weights, masks  # these views would keep the values that are replaced now
    summary = summarize(infos, pruned)
    if not dry_run:
        if adds_masks:
            mask_inventory(inventory, options, more_than=target.most)
        state.move_masks(model, pruned)
    return summary


class Counts(NamedTuple):
    """Numbers of weights, or groups of weights.

    Args:
        pruned: those that are pruned.
        size: those that `prune_selected` can prune.
        most_given_back: how many fewer than asked for it may prune, to keep a multiple.
    """

    pruned: int
    size: int
    most_given_back: int


def counts_selected(model: keras.Model, options: MaskOptions) -> Counts:
    """Returns how many of the selected weights or groups are pruned, and how many can be."""
    internals.sync_trainer(model)
    infos, masks = _selected(select(model, options), options)
    layout = pruning.layout_of(options.pattern, infos)
    groups = layout.fold(pruning.complete_masks(masks, infos))
    prunable = {info.path: groups[info.path] for info in layout.infos if info.prunable}
    size = sum(mask.size for mask in prunable.values())
    return Counts(size - pruning.kept(prunable), size, layout.most_given_back)


def _selected(inventory: Inventory, options: MaskOptions) -> tuple[list[VariableInfo], MaskSet]:
    """Returns the variables, marked prunable or not, and the existing masks."""
    masks = state.mask_views(inventory.variables)
    if not masks or pruning.needs_channels(options.pattern):
        return inventory.infos, masks
    infos = masked_infos(inventory.under(MaskOptions()), masks)
    if replace(options, pattern="weights") == MaskOptions():
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
    model: keras.Model, criterion: str, data: Any, seed: int, pattern: str
) -> Callable[[str, MaskSet], Weights]:
    """Returns the function that computes the criterion's derivatives."""
    derived = pruning.criteria[criterion].derived
    if derived and not (isinstance(data, tuple | list) and len(data) == 2):
        raise LotteryError(
            f"Expected data=(x, y) for the criterion {criterion!r}, which needs the "
            f"{', '.join(sorted(derived))}. Received: {type(data).__name__}. "
            "Pass some examples with their targets."
        )

    def derived_of(name: str, masks: MaskSet) -> Weights:
        derivatives = derive(name, model, *data, masks=masks, seed=seed)
        if not pruning.needs_channels(pattern):
            return derivatives
        # Untrained weights have no derivative, but may read pruned channels.
        zeros = {path: np.zeros(mask.shape, np.float32) for path, mask in masks.items()}
        return zeros | derivatives

    return derived_of
