"""The mask criteria of Zhou et al. 2019 (arXiv 1905.01067), from initial and final weights.

`w_i` is a weight before training, `w_f` after it. Weights of highest score are kept; the paper
prunes layer by layer (`prune.scope="layer"`).
"""

import numpy as np
from numpy.typing import NDArray

from keras_lottery.pruning.criteria import Array, Inputs, at_least_float32, criterion
from keras_lottery.pruning.topk import Score


@criterion("large_final", needs=("final",))
def large_final(inputs: Inputs) -> Score:
    """|w_f|: the paper's name for `magnitude`, the lottery ticket criterion."""
    return Score(inputs.final, absolute=True)


@criterion("small_final", needs=("final",))
def small_final(inputs: Inputs) -> Score:
    """-|w_f|."""
    return Score(-np.abs(inputs.final))


@criterion("large_init", needs=("initial",))
def large_init(inputs: Inputs) -> Score:
    """|w_i|."""
    return Score(inputs.initial, absolute=True)


@criterion("small_init", needs=("initial",))
def small_init(inputs: Inputs) -> Score:
    """-|w_i|."""
    return Score(-np.abs(inputs.initial))


@criterion("large_init_large_final", needs=("final", "initial"))
def large_init_large_final(inputs: Inputs) -> Score:
    """min(α|w_f|, |w_i|), with the α at which both prune the same share of the layer.

    A weight is among the largest share q of both if and only if the smaller of its two ranks is,
    so comparing ranks replaces a search for α.
    """
    first, last = _ranks(inputs, np.abs(inputs.initial)), _ranks(inputs, np.abs(inputs.final))
    return Score(np.minimum(first, last), absolute=True)


@criterion("small_init_small_final", needs=("final", "initial"))
def small_init_small_final(inputs: Inputs) -> Score:
    """-max(α|w_f|, |w_i|), with the α at which both prune the same share of the layer."""
    first, last = _ranks(inputs, np.abs(inputs.initial)), _ranks(inputs, np.abs(inputs.final))
    return Score(-np.maximum(first, last))


@criterion("magnitude_increase", needs=("final", "initial"))
def magnitude_increase(inputs: Inputs) -> Score:
    """|w_f| - |w_i|."""
    return Score(_increase(inputs))


@criterion("movement", needs=("final", "initial"))
def movement(inputs: Inputs) -> Score:
    """|w_f - w_i|."""
    return Score(at_least_float32(inputs.final) - inputs.initial, absolute=True)


@criterion("large_final_same_sign", needs=("final", "initial"))
def large_final_same_sign(inputs: Inputs) -> Score:
    """max(0, w_i w_f / |w_i|): |w_f| where the weight has kept its sign."""
    return _where(inputs, np.abs(at_least_float32(inputs.final)), _kept_sign(inputs))


@criterion("large_final_diff_sign", needs=("final", "initial"))
def large_final_diff_sign(inputs: Inputs) -> Score:
    """max(0, -w_i w_f / |w_i|): |w_f| where the weight has changed its sign."""
    return _where(inputs, np.abs(at_least_float32(inputs.final)), ~_kept_sign(inputs))


@criterion("magnitude_increase_same_sign", needs=("final", "initial"))
def magnitude_increase_same_sign(inputs: Inputs) -> Score:
    """|w_f| - |w_i| where the weight has kept its sign.

    All other weights are pruned first. In the authors' code they have score 0, so that weights
    which shrank are pruned before them; it matters where many weights are kept.
    """
    return _where(inputs, _increase(inputs), _kept_sign(inputs))


@criterion("magnitude_increase_diff_sign", needs=("final", "initial"))
def magnitude_increase_diff_sign(inputs: Inputs) -> Score:
    """|w_f| - |w_i| where the weight has changed its sign; see `magnitude_increase_same_sign`."""
    return _where(inputs, _increase(inputs), ~_kept_sign(inputs))


def _increase(inputs: Inputs) -> Array:
    return np.abs(at_least_float32(inputs.final)) - np.abs(inputs.initial)


def _kept_sign(inputs: Inputs) -> NDArray[np.bool_]:
    kept: NDArray[np.bool_] = np.sign(inputs.initial) * np.sign(inputs.final) > 0
    return kept


def _where(inputs: Inputs, score: Array, chosen: NDArray[np.bool_]) -> Score:
    """Returns the score where chosen; the others rank below, in random order.

    The others tie, and pruning them by index would empty whole rows.
    """
    below = min(0.0, float(np.min(score, initial=0.0))) - 1.0
    others = below - inputs.rng.random(score.shape, dtype=np.float32)
    return Score(np.where(chosen, score, others))


def _ranks(inputs: Inputs, values: Array) -> NDArray[np.float32]:
    """Returns the share of surviving weights that are smaller; equal values have equal ranks."""
    surviving = np.sort(values[inputs.mask])
    below = np.searchsorted(surviving, values.reshape(-1)).reshape(values.shape)
    return (below / max(len(surviving), 1)).astype(np.float32)
