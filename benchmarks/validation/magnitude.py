"""Global magnitude masks, compared with `torch.nn.utils.prune.global_unstructured`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from keras_lottery.pruning import prune_to
from keras_lottery.types import MaskSet, VariableInfo, Weights


@dataclass(frozen=True)
class Compared:
    """One cut by this package and by torch.

    Args:
        net: the network of the weights.
        kept_before: weights that survived before it.
        pruned: how many it prunes.
        torch_pruned: how many torch prunes, asked for the same number.
        tied: weights with the magnitude of the last one pruned; 1: no tie.
        differing: weights that one mask keeps and the other does not.
        elsewhere: how many of these have another magnitude.
        emptied: variables of which torch keeps nothing.
        by_index: of the tied weights, ours prunes the first in path order, then by flat index.
    """

    net: str
    kept_before: int
    pruned: int
    torch_pruned: int
    tied: int
    differing: int
    elsewhere: int
    emptied: int
    by_index: bool


def torch_masks(weights: Weights, masks: MaskSet, amount: int) -> MaskSet:
    """Returns torch's masks after pruning `amount` more weights.

    Args:
        weights: by path; each becomes a parameter of a separate module.
        masks: of earlier cuts; torch ranks only the surviving weights.
        amount: number of weights to prune.
    """
    import torch
    from torch.nn.utils import prune

    modules = {}
    for path in sorted(masks):
        module = modules[path] = torch.nn.Module()
        module.weight = torch.nn.Parameter(torch.from_numpy(np.array(weights[path], np.float32)))
        if not masks[path].all():
            prune.custom_from_mask(module, "weight", torch.from_numpy(masks[path]).float())
    parameters = [(module, "weight") for module in modules.values()]
    prune.global_unstructured(parameters, prune.L1Unstructured, amount=amount)
    return {path: module.weight_mask.numpy().astype(bool) for path, module in modules.items()}


def compare(
    net: str, weights: Weights, before: MaskSet, ours: MaskSet, amount: int | None = None
) -> Compared:
    """Returns how `ours`, pruned from `before` by magnitude, differs from torch's masks.

    Args:
        amount: number of weights that torch prunes; None: as many as ours.
    """
    pruned = _kept(before) - _kept(ours)
    theirs = torch_masks(weights, before, pruned if amount is None else amount)
    gone = _flat({p: before[p] & ~ours[p] for p in ours})
    magnitude = np.abs(_flat({p: weights[p] for p in ours}))
    threshold = magnitude[gone].max(initial=0.0)
    ties = _flat(before) & (magnitude == threshold)
    different = _flat(ours) != _flat(theirs)
    pruned_ties = gone[ties]
    return Compared(
        net,
        _kept(before),
        pruned,
        _kept(before) - _kept(theirs),
        int(ties.sum()),
        int(different.sum()),
        int((different & ~ties).sum()),
        sum(not mask.any() for mask in theirs.values()),
        # Once a tied weight is kept, all later ones are.
        bool((np.diff(pruned_ties.astype(int)) <= 0).all()),
    )


def iterated(
    net: str, weights: Weights, sparsities: Sequence[float], floor: int = 0
) -> Iterator[Compared]:
    """Yields a comparison per sparsity, each cut from the masks of the one before.

    Between the cuts every weight moves a little, as in training.

    Args:
        floor: `min_per_layer` of this package; torch has no equivalent.
    """
    rng = np.random.default_rng(0)
    infos = [VariableInfo(path, np.shape(w)) for path, w in sorted(weights.items())]
    masks: MaskSet = {path: np.ones(np.shape(w), bool) for path, w in sorted(weights.items())}
    for sparsity in sparsities:
        ours = prune_to(weights, masks, infos, sparsity, min_per_layer=floor)
        yield compare(net, weights, masks, ours)
        masks = ours
        weights = {p: w + np.float32(0.1) * rng.permuted(w) for p, w in weights.items()}


def rounded(weights: Weights, digits: int) -> Weights:
    """Returns weights with many ties."""
    return {path: np.round(w, digits) for path, w in weights.items()}


def _kept(masks: MaskSet) -> int:
    return sum(int(np.count_nonzero(mask)) for mask in masks.values())


def _flat(arrays: Weights) -> np.ndarray:
    return np.concatenate([arrays[path].reshape(-1) for path in sorted(arrays)])
