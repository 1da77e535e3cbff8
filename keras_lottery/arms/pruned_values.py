"""Chains whose pruned weights are frozen at a value of their own instead of at zero.

A pruned weight stays at its initial value w_i, or at 0 where the rule says so; w_f is its value
at the end of the training that it was pruned after. What a weight was frozen at, it stays at.

Reference: the mask-0 actions of Zhou et al. 2019 (1905.01067), section 5.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from keras_lottery.arms import chain
from keras_lottery.pruning.criteria import Array
from keras_lottery.types import RunView, Start, Training

Bools = NDArray[np.bool_]
ToZero = Callable[[Array, Array, Bools, np.random.Generator], Bools]
"""`(w_i, w_f, newly pruned, rng) -> True where the weight is set to 0`."""


@dataclass(frozen=True)
class PrunedValues:
    """Prunes a chain of its own, rewound like `winning`.

    Args:
        to_zero: which newly pruned weights are frozen at 0, not at w_i.
        kept_too: kept weights that came closer to 0 start there; they are still trained.
    """

    name: str
    to_zero: ToZero
    kept_too: bool = False
    iterative: bool = True
    stochastic: bool = False

    def parents(self, training: Training) -> tuple[Training, ...]:
        return (chain.previous(training),)

    def start(self, training: Training, run: RunView) -> Start:
        before = chain.previous(training)
        initial, final = run.task.start_weights(training.seed), run.trained(before)
        masks = chain.pruned_once_more(training, run)
        start = chain.rewound(training, run, masks, before)
        old, rng = run.start_of(before), chain.generator(training)
        fills, weights = {}, dict(start.weights)
        for path, mask in sorted(masks.items()):
            first, last = np.asarray(initial[path]), np.asarray(final[path])
            earlier = ~old.masks[path] if path in old.masks else np.zeros_like(mask)
            frozen = np.where(self.to_zero(first, last, ~mask & ~earlier, rng), 0, first)
            kept_earlier = old.fills.get(path, first)
            fills[path] = np.where(earlier, kept_earlier, frozen).astype(first.dtype)
            if self.kept_too:
                shrunk = mask & shrank(first, last, mask, rng)
                weights[path] = np.where(shrunk, 0, weights[path]).astype(first.dtype)
        return replace(start, weights=weights, fills=fills, parametrization="frozen")


def none(first: Array, last: Array, pruned: Bools, rng: np.random.Generator) -> Bools:
    """None of them."""
    return np.zeros_like(pruned)


def shrank(first: Array, last: Array, pruned: Bools, rng: np.random.Generator) -> Bools:
    """Those that training moved towards 0."""
    closer: Bools = np.abs(first) > np.abs(last)
    return closer


def grew(first: Array, last: Array, pruned: Bools, rng: np.random.Generator) -> Bools:
    """Those that training moved away from 0."""
    return ~shrank(first, last, pruned, rng)


def as_many(first: Array, last: Array, pruned: Bools, rng: np.random.Generator) -> Bools:
    """As many as training moved towards 0, chosen at random."""
    places = np.flatnonzero(pruned)
    count = int((pruned & shrank(first, last, pruned, rng)).sum())
    chosen = np.zeros(pruned.size, bool)
    chosen[rng.permutation(places)[:count]] = True
    return chosen.reshape(pruned.shape)


FREEZE_INIT = PrunedValues("freeze_init", none)
FREEZE_INIT_ZERO_MASK = PrunedValues("freeze_init_zero_mask", shrank)
FREEZE_INIT_ZERO_ALL = PrunedValues("freeze_init_zero_all", shrank, kept_too=True)
FREEZE_INIT_ZERO_RESHUFFLE = PrunedValues("freeze_init_zero_reshuffle", as_many)
FREEZE_INIT_ZERO_REV = PrunedValues("freeze_init_zero_rev", grew)
