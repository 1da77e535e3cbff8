"""Wanda: pruning by the magnitude of a weight times the norm of its input.

    S_ij = |W_ij| · ‖X_j‖₂

The weights of one output, or of the whole layer, are compared with each other, and survivors keep
their value.

Reference: Sun et al. 2023, "A simple and effective pruning approach for large language models",
arXiv 2306.11695, equation 1 and section 3; section 5 compares the comparison groups.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError
from keras_lottery.pruning.counts import count

__all__ = ["check_groups", "keep_highest", "wanda"]

Array = NDArray[Any]
Mask = NDArray[np.bool_]


def wanda(
    weights: Array,
    squares: Array,
    kept: Mask,
    sparsity: float,
    n_of_m: tuple[int, int] | None = None,
    scope: str = "output",
) -> Mask:
    """Returns the mask of a linear map, True = kept.

    Exactly floor(sparsity × size) weights of every comparison group are pruned, or M - N of every
    M consecutive ones. Equal scores are pruned in the order of the inputs.

    Args:
        weights: shape `(outputs, inputs)`.
        squares: sum of the squares of each input over all tokens, shape `(inputs,)`.
        kept: False where a weight is pruned already, and then stays so; shape of `weights`.
        sparsity: fraction removed of every group's weights, in [0, 1); ignored with N:M.
        n_of_m: (N, M); M divides the number of inputs.
        scope: the comparison groups: `output`, or `layer` for all weights; ignored with N:M.

    Raises:
        LotteryError: more weights of a group are pruned already.
    """
    outputs, inputs = weights.shape
    size = n_of_m[1] if n_of_m else weights.size if scope == "layer" else inputs
    prune = size - n_of_m[0] if n_of_m else count(sparsity, size)
    check_groups(kept.reshape(-1, size), prune)
    scores = np.abs(weights) * np.sqrt(squares)
    survivors = keep_highest(scores.reshape(-1, size), kept.reshape(-1, size), prune)
    return survivors.reshape(outputs, inputs)


def keep_highest(scores: Array, kept: Mask, prune: int) -> Mask:
    """Returns True for all but the `prune` lowest scores of each row.

    Args:
        scores: not negative, shape `(groups, size)`.
        kept: weights that are not kept are pruned first; at most `prune` in a row.
        prune: number of weights of each row.
    """
    order = np.argsort(np.where(kept, scores, -1.0), axis=1, kind="stable")[:, :prune]
    survivors = np.ones(scores.shape, np.bool_)
    np.put_along_axis(survivors, order, False, axis=1)
    return survivors


def check_groups(kept: Mask, prune: int) -> None:
    """Raises LotteryError if a row has more pruned weights than it should get."""
    most = int(np.count_nonzero(~kept, axis=1).max(initial=0))
    if most > prune:
        raise LotteryError(
            f"Expected at most {prune} of {kept.shape[1]} weights in a comparison group to be "
            f"pruned already. Received: {most}. Raise the sparsity, or start from a model without "
            "masks, or reset them with kl.set_masks(model, {})."
        )
