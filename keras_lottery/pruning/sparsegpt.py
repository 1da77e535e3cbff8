"""SparseGPT: pruning a linear map and updating the surviving weights, column by column.

    H⁻¹ = (X Xᵀ + λ I)⁻¹ = Uᵀ U,   U upper triangular
    score of W_rj = (W_rj / U_jj)²
    pruning W_rj:  W_r,j: -= W_rj / U_jj · U_j,j:

U_j,j: / U_jj is the first row of the inverse Hessian of the inputs from j on, divided by its first
entry: each step minimizes the error of the outputs over the weights to the right (the optimal
brain surgeon's update), and all outputs share one factorization.

Reference: Frantar & Alistarh 2023, "SparseGPT: massive language models can be accurately pruned in
one-shot", arXiv 2301.00774, algorithm 1.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg  # type: ignore[import-untyped]

from keras_lottery.errors import LotteryError
from keras_lottery.pruning.counts import count
from keras_lottery.pruning.wanda import check_groups, keep_highest

__all__ = ["sparsegpt"]

Array = NDArray[Any]
Mask = NDArray[np.bool_]


def sparsegpt(
    weights: Array,
    gram: Array,
    kept: Mask,
    sparsity: float,
    n_of_m: tuple[int, int] | None = None,
    *,
    block_size: int = 128,
    damping: float = 0.01,
) -> tuple[Array, Mask]:
    """Returns the pruned and updated weights of a linear map, and their mask.

    Exactly floor(sparsity × weights) are pruned, spread evenly over blocks of inputs and freely
    over the outputs; or M - N of every M consecutive inputs of each output.

    Args:
        weights: W, shape `(outputs, inputs)`.
        gram: X Xᵀ, the products of the inputs summed over all tokens, shape `(inputs, inputs)`.
        kept: False where a weight is pruned already, and then stays so; shape of `weights`.
        sparsity: fraction removed, in [0, 1); ignored with N:M.
        n_of_m: (N, M); M divides the number of inputs.
        block_size: inputs whose mask is chosen at once, and whose updates of the inputs behind
            them are done at once; rounded up to a multiple of M.
        damping: λ as a fraction of the mean of the diagonal of X Xᵀ.

    Returns:
        weights of type float64, 0 where pruned; and the mask, True = kept.

    Raises:
        LotteryError: too many weights are pruned already, or H can't be inverted.
    """
    W, M = weights.astype(np.float64), kept.copy()
    U = _inverse_factor(gram, damping)
    alive = np.diagonal(gram) > 0
    n, m = n_of_m or (0, 1)
    step = block_size + -block_size % m
    prune = _shares(kept, sparsity, step) if n_of_m is None else []
    if n_of_m:
        check_groups(kept.reshape(-1, m), m - n)

    def scores(columns: slice) -> Array:
        return (W[:, columns] / np.diagonal(U)[columns] * alive[columns]) ** 2

    for block, start in enumerate(range(0, W.shape[1], step)):
        stop = min(start + step, W.shape[1])
        errors = np.zeros((len(W), stop - start))
        if n_of_m is None:
            chosen = slice(start, stop)
            flat = keep_highest(
                scores(chosen).reshape(1, -1), kept[:, chosen].reshape(1, -1), prune[block]
            )
            M[:, chosen] = flat.reshape(len(W), -1)
        for j in range(start, stop):
            if n_of_m and j % m == 0:
                group = slice(j, j + m)
                M[:, group] = keep_highest(scores(group), kept[:, group], m - n)
            error = np.where(M[:, j], 0.0, W[:, j]) / U[j, j]
            W[:, j:stop] -= np.outer(error, U[j, j:stop])
            errors[:, j - start] = error
        W[:, stop:] -= errors @ U[start:stop, stop:]
    return np.where(M, W, 0.0), M


def _inverse_factor(gram: Array, damping: float) -> Array:
    """Returns U with (X Xᵀ + λ I)⁻¹ = Uᵀ U.

    If X Xᵀ + λ I = R Rᵀ with R upper triangular, U is the inverse of R: one factorization, and no
    inverse of the whole matrix. Reversing rows and columns turns a lower factor into an upper one.
    """
    hessian = gram.astype(np.float64)
    diagonal = np.einsum("ii->i", hessian)  # a view
    diagonal[diagonal == 0] = 1.0  # an input that is always 0 has no error to spread
    diagonal += damping * diagonal.mean()
    try:
        upper = np.linalg.cholesky(hessian[::-1, ::-1])[::-1, ::-1]
    except np.linalg.LinAlgError as error:
        raise LotteryError(
            "Expected inputs whose X Xᵀ + λ I can be inverted. Received: a singular one with "
            f"hessian_damping={damping}. Raise hessian_damping, or num_samples."
        ) from error
    inverse: Array = linalg.solve_triangular(upper, np.eye(len(upper)), overwrite_b=True)
    return inverse


def _shares(kept: Mask, sparsity: float, step: int) -> list[int]:
    """Returns how many weights to prune in each block of inputs.

    Each block gets the same fraction, unless more of it is pruned already; the sum is exact.
    """
    outputs, inputs = kept.shape
    total = count(sparsity, kept.size)
    check_groups(kept.reshape(1, -1), total)
    before = [np.count_nonzero(~kept[:, i : i + step]) for i in range(0, inputs, step)]
    shares: list[int] = []
    for block, already in enumerate(before):
        done, later = sum(shares), sum(before[block + 1 :])
        due = count(sparsity, outputs * min(inputs, (block + 1) * step)) - done
        shares.append(int(np.clip(due, already, total - done - later)))
    return shares
