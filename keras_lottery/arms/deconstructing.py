"""Variants of the mask criterion, of kept values, and of pruned values.

Reference: Zhou et al. 2019, "Deconstructing lottery tickets: zeros, signs, and the supermask"
(1905.01067).

- Mask criteria: arms that prune by their own criterion and rewind like `winning`. The
  formulas are in `keras_lottery.pruning.mask_criteria`; the config's criterion is the paper's
  `large_final`.
- Kept values, the mask-1 actions: the winning ticket's mask over other values of the
  kept weights, taken layer by layer from the initial values: `random_*` ignores which weight had
  which value, `signed_*` also gives each value the weight's initial sign. `*_rescaled` multiplies
  every variable by weights ÷ kept. Using the masks of `winning` for all of them is ours: the arms
  then differ only in the values.
- Pruned values, the mask-0 actions: arms whose pruned weights are frozen instead of set
  to zero. A pruned weight stays at its initial value w_i, or at 0 if the rule says so; w_f is its
  value at the end of the training after which it was pruned. Frozen weights never change again.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from keras_lottery.arms import starts
from keras_lottery.arms.winning import Iterative
from keras_lottery.protocols import Arm, RunView
from keras_lottery.pruning.criteria import Array
from keras_lottery.types import Start, Training

MASK_CRITERIA = tuple(
    Iterative(name, criterion=name)
    for name in (
        "magnitude_increase",
        "movement",
        "large_init_large_final",
        "large_final_same_sign",
        "large_final_diff_sign",
        "large_init",
        "small_final",
        "small_init",
        "small_init_small_final",
        "random",
    )
)


Values = Callable[[Array, Array, np.random.Generator], Array]
"""`(initial values, mask, rng) -> values`, all of the variable's shape."""


@dataclass(frozen=True)
class KeptValues(Arm):
    """Trains the winning ticket's mask over other values, from step 0.

    Args:
        values: returns the values of one variable.
        signed: whether to give each value the sign of the initial weight.
        rescaled: whether to multiply by weights ÷ kept.
    """

    name: str
    values: Values
    signed: bool = False
    rescaled: bool = False
    stochastic: bool = True

    def parents(self, training: Training) -> tuple[Training, ...]:
        return (starts.winning_of(training),)

    def start(self, training: Training, run: RunView) -> Start:
        masks = run.start_of(starts.winning_of(training)).masks
        weights, rng = dict(run.task.start_weights(training.seed)), starts.generator(training)
        for path, mask in sorted(masks.items()):
            initial = np.asarray(weights[path])
            values = self.values(initial, mask, rng)
            if self.signed:
                values = np.abs(values) * np.sign(initial)
            if self.rescaled:
                values = values * (mask.size / max(int(mask.sum()), 1))
            weights[path] = values.astype(initial.dtype)
        return Start(weights, masks, seed=training.seed)


def keep_initial(initial: Array, mask: Array, rng: np.random.Generator) -> Array:
    """The initial values themselves."""
    return initial


def permute_all(initial: Array, mask: Array, rng: np.random.Generator) -> Array:
    """All initial values of the variable, kept and pruned, in random order."""
    return rng.permutation(initial.reshape(-1)).reshape(initial.shape)


def reshuffle(initial: Array, mask: Array, rng: np.random.Generator) -> Array:
    """The initial values of the kept weights, in random order."""
    values = initial.copy()
    values[mask] = rng.permutation(initial[mask])
    return values


def constant(initial: Array, mask: Array, rng: np.random.Generator) -> Array:
    """The standard deviation of the initial values, with their signs in random order."""
    signs = np.sign(permute_all(initial, mask, rng))
    return signs * initial.std(dtype=np.float64)


_KEPT = (
    KeptValues("random_reinit", permute_all),
    KeptValues("random_reshuffle", reshuffle),
    KeptValues("random_constant", constant),
    KeptValues("signed_reinit", permute_all, signed=True),
    KeptValues("signed_reshuffle", reshuffle, signed=True),
    KeptValues("signed_constant", constant, signed=True, stochastic=False),
)
KEPT_VALUES = (
    *_KEPT,
    KeptValues("rewind_rescaled", keep_initial, rescaled=True, stochastic=False),
    *(replace(arm, name=f"{arm.name}_rescaled", rescaled=True) for arm in _KEPT),
)


Bools = NDArray[np.bool_]
ToZero = Callable[[Array, Array, Bools, np.random.Generator], Bools]
"""`(w_i, w_f, newly pruned, rng) -> True for weights that are set to 0`."""


@dataclass(frozen=True)
class PrunedValues(Arm):
    """Prunes its own networks iteratively, rewound like `winning`.

    Args:
        to_zero: selects the newly pruned weights that are frozen at 0 instead of w_i.
        kept_too: whether kept weights that moved towards 0 start at 0; they are still trained. Only
            the last round's movement counts; in the authors' code, a weight that started at 0 does
            so in all later rounds.
    """

    name: str
    to_zero: ToZero
    kept_too: bool = False
    iterative = True

    def parents(self, training: Training) -> tuple[Training, ...]:
        return (starts.previous(training),)

    def start(self, training: Training, run: RunView) -> Start:
        before = starts.previous(training)
        initial, final = run.task.start_weights(training.seed), run.trained(before)
        masks = starts.pruned_once_more(training, run)
        start = starts.starting_point(training, run, masks, before)
        old, rng = run.start_of(before), starts.generator(training)
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
    """No weights."""
    return np.zeros_like(pruned)


def shrank(first: Array, last: Array, pruned: Bools, rng: np.random.Generator) -> Bools:
    """Weights that training moved towards 0."""
    closer: Bools = np.abs(first) > np.abs(last)
    return closer


def grew(first: Array, last: Array, pruned: Bools, rng: np.random.Generator) -> Bools:
    """Weights that training moved away from 0."""
    return ~shrank(first, last, pruned, rng)


def as_many(first: Array, last: Array, pruned: Bools, rng: np.random.Generator) -> Bools:
    """As many weights as training moved towards 0, chosen at random."""
    places = np.flatnonzero(pruned)
    count = int((pruned & shrank(first, last, pruned, rng)).sum())
    chosen = np.zeros(pruned.size, bool)
    chosen[rng.permutation(places)[:count]] = True
    return chosen.reshape(pruned.shape)


PRUNED_VALUES = (
    PrunedValues("freeze_init", none),
    PrunedValues("freeze_init_zero_mask", shrank),
    PrunedValues("freeze_init_zero_all", shrank, kept_too=True),
    PrunedValues("freeze_init_zero_reshuffle", as_many),
    PrunedValues("freeze_init_zero_rev", grew),
)
ARMS: tuple[Arm, ...] = (*MASK_CRITERIA, *KEPT_VALUES, *PRUNED_VALUES)
