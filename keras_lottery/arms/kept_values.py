"""The winning ticket's mask over other values of the kept weights.

Each takes the values that the weights had before training, layer by layer. What a kept weight
gets is a value drawn without regard to its place (`random_*`), or one of that size with the sign
that its own weight had (`signed_*`). `*_rescaled` multiplies every variable by weights ÷ kept.

Reference: the mask-1 actions of Zhou et al. 2019 (1905.01067), section 4. That all of them follow
the masks of `winning` is ours: the arms then differ in nothing but the values.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from keras_lottery.arms import chain
from keras_lottery.pruning.criteria import Array
from keras_lottery.types import RunView, Start, Training

Values = Callable[[Array, Array, np.random.Generator], Array]
"""`(initial values, mask, rng) -> values`, all of the variable's shape."""


@dataclass(frozen=True)
class KeptValues:
    """Trains the winning ticket's mask from other values, from step 0.

    Args:
        values: the values of one variable.
        signed: give each value the sign of the initial weight in its place.
        rescaled: multiply by weights ÷ kept.
    """

    name: str
    values: Values
    signed: bool = False
    rescaled: bool = False
    stochastic: bool = True
    iterative: bool = False

    def parents(self, training: Training) -> tuple[Training, ...]:
        return (chain.winning_of(training),)

    def start(self, training: Training, run: RunView) -> Start:
        masks = run.start_of(chain.winning_of(training)).masks
        weights, rng = dict(run.task.start_weights(training.seed)), chain.generator(training)
        for path, mask in sorted(masks.items()):
            initial = np.asarray(weights[path])
            values = self.values(initial, mask, rng)
            if self.signed:
                values = np.abs(values) * np.sign(initial)
            if self.rescaled:
                values = values * (mask.size / max(int(mask.sum()), 1))
            weights[path] = values.astype(initial.dtype)
        return Start(weights, masks, seed=training.seed)


def same(initial: Array, mask: Array, rng: np.random.Generator) -> Array:
    """The initial values themselves."""
    return initial


def reinit(initial: Array, mask: Array, rng: np.random.Generator) -> Array:
    """All initial values of the variable, kept and pruned ones, in a random order."""
    return rng.permutation(initial.reshape(-1)).reshape(initial.shape)


def reshuffle(initial: Array, mask: Array, rng: np.random.Generator) -> Array:
    """The initial values of the kept places, in a random order among them."""
    values = initial.copy()
    values[mask] = rng.permutation(initial[mask])
    return values


def constant(initial: Array, mask: Array, rng: np.random.Generator) -> Array:
    """The standard deviation of the initial values, with their signs in a random order."""
    signs = np.sign(reinit(initial, mask, rng))
    return signs * initial.std(dtype=np.float64)


RANDOM_REINIT = KeptValues("random_reinit", reinit)
RANDOM_RESHUFFLE = KeptValues("random_reshuffle", reshuffle)
RANDOM_CONSTANT = KeptValues("random_constant", constant)
SIGNED_REINIT = KeptValues("signed_reinit", reinit, signed=True)
SIGNED_RESHUFFLE = KeptValues("signed_reshuffle", reshuffle, signed=True)
SIGNED_CONSTANT = KeptValues("signed_constant", constant, signed=True, stochastic=False)
REWIND_RESCALED = KeptValues("rewind_rescaled", same, rescaled=True, stochastic=False)
RANDOM_REINIT_RESCALED = replace(RANDOM_REINIT, name="random_reinit_rescaled", rescaled=True)
RANDOM_RESHUFFLE_RESCALED = replace(
    RANDOM_RESHUFFLE, name="random_reshuffle_rescaled", rescaled=True
)
RANDOM_CONSTANT_RESCALED = replace(RANDOM_CONSTANT, name="random_constant_rescaled", rescaled=True)
SIGNED_REINIT_RESCALED = replace(SIGNED_REINIT, name="signed_reinit_rescaled", rescaled=True)
SIGNED_RESHUFFLE_RESCALED = replace(
    SIGNED_RESHUFFLE, name="signed_reshuffle_rescaled", rescaled=True
)
SIGNED_CONSTANT_RESCALED = replace(SIGNED_CONSTANT, name="signed_constant_rescaled", rescaled=True)
