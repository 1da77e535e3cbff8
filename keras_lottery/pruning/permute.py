"""The shuffles of the controls; every count stays as it is."""

import numpy as np

from keras_lottery.types import MaskSet, Weights


def permute_layer(masks: MaskSet, rng: np.random.Generator) -> MaskSet:
    """Returns masks shuffled within each variable, so that its density stays.

    Reference: Morcos et al. 2019, arXiv 1906.02773, "locally permuted".
    """
    return {
        path: rng.permutation(mask.reshape(-1)).reshape(mask.shape)
        for path, mask in sorted(masks.items())
    }


def permute_global(masks: MaskSet, rng: np.random.Generator) -> MaskSet:
    """Returns masks shuffled over all variables, so that only the total density stays.

    Reference: Morcos et al. 2019, arXiv 1906.02773, "random ticket".
    """
    ordered = sorted(masks.items())
    flat = np.concatenate([np.zeros(0, np.bool_), *(mask.reshape(-1) for _, mask in ordered)])
    rng.shuffle(flat)
    ends = np.cumsum([mask.size for _, mask in ordered])[:-1]
    return {
        path: part.reshape(mask.shape).copy()
        for (path, mask), part in zip(ordered, np.split(flat, ends))
    }


def permute_kept_values(weights: Weights, masks: MaskSet, rng: np.random.Generator) -> Weights:
    """Returns weights whose kept values are shuffled among the kept places of each variable.

    Pruned places, and variables without a mask, keep their values.

    Reference: Zhou et al. 2019, arXiv 1905.01067, "reshuffle".
    """
    shuffled = dict(weights)
    for path, mask in sorted(masks.items()):
        values = np.array(weights[path])
        values[mask] = rng.permutation(values[mask])
        shuffled[path] = values
    return shuffled
