"""Criteria score weights; the lowest-scoring are pruned first.

To add a criterion, write one function with `@criterion(name, needs=...)` here, or register one
from anywhere: `criteria.register(name)(Criterion(score, needs))`. Criteria that compare a weight's
initial and final value are in `mask_criteria`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_lottery.pruning.topk import Score
from keras_lottery.registry import Registry

Array = NDArray[Any]

DERIVED = {
    "gradient": "∂L/∂w",
    "hessian_gradient": "∂²L/∂w² · ∂L/∂w",
    "hessian_diagonal": "the diagonal of ∂²L/∂w²",
    "flow": "∂R/∂|w| of the synaptic flow R",
}
"""Quantities of a model besides its weights; `derivatives.derive` computes them."""


@dataclass(frozen=True)
class Inputs:
    """The inputs of a variable's score; only the values that the criterion needs are set.

    Args:
        path: the variable's path.
        mask: True where a weight survives.
        rng: random generator for this path, independent of the order of variables.
        values: `final`, `initial` and derivatives of the loss that the criterion needs.
    """

    path: str
    mask: NDArray[np.bool_]
    rng: np.random.Generator
    values: Mapping[str, Array]

    @property
    def final(self) -> Array:
        """Trained weights, of the variable's shape and type."""
        return self.values["final"]

    @property
    def initial(self) -> Array:
        """Initial weights, at least float32."""
        return at_least_float32(self.values["initial"])

    @property
    def gradient(self) -> Array:
        """Mean gradient of the loss, at least float32."""
        return self.derived("gradient")

    def derived(self, name: str) -> Array:
        """Returns one of `DERIVED`, at least float32."""
        return at_least_float32(self.values[name])


@dataclass(frozen=True)
class Reduction:
    """Reduces the scores s of a group's n weights to one score.

        (Σ |s|^power / n)^(1/power),   or without the mean, or without the absolute value

    Args:
        power: 1, or 2 for the root mean square.
        mean: divide by n; otherwise larger groups have larger scores.
        first: use the score of the first weight.
        magnitude: use the absolute value of the result.
    """

    power: int = 1
    mean: bool = True
    first: bool = False
    magnitude: bool = False

    def of(self, values: Array, absolute: bool) -> Array:
        """Returns the summands in float64; `absolute` as in `topk.Score`."""
        values = values.astype(np.float64)
        if self.power == 2:
            return values * values
        return np.abs(values) if absolute and not self.magnitude else values

    def finish(self, total: Array, count: Array) -> Array:
        """Returns the scores of groups from their sums and numbers of weights."""
        if self.mean:
            total = np.divide(total, count, out=np.zeros_like(total), where=count > 0)
        if self.power == 2:
            return np.sqrt(total)
        return np.abs(total) if self.magnitude else total


MEAN = Reduction()
ROOT_MEAN_SQUARE = Reduction(power=2)
SUM = Reduction(mean=False)
SUM_MAGNITUDE = Reduction(mean=False, magnitude=True)
FIRST = Reduction(mean=False, first=True)


@dataclass(frozen=True)
class Criterion:
    """A registered way to score weights.

    Args:
        score: scores one variable.
        needs: which of `final`, `initial` and `DERIVED` it reads.
        iterations: number of rounds of scoring and pruning, each of which prunes the same share of
            the surviving weights.
        reduction: from scores of weights to scores of channels and blocks.
        only: name of the weights whose score is the score of the channel.
        single: True if it ranks single weights only.
    """

    score: Callable[[Inputs], Score]
    needs: frozenset[str]
    iterations: int = 1
    reduction: Reduction = MEAN
    only: str = ""
    single: bool = False

    @property
    def derived(self) -> frozenset[str]:
        """The quantities that it needs besides weights."""
        return self.needs & DERIVED.keys()


criteria: Registry[Criterion] = Registry("criterion")


def criterion(
    name: str,
    needs: tuple[str, ...],
    iterations: int = 1,
    reduction: Reduction = MEAN,
    only: str = "",
    single: bool = False,
) -> Callable[[Callable[[Inputs], Score]], Callable[[Inputs], Score]]:
    """Returns a decorator that registers a scoring function as the criterion `name`."""

    def add(score: Callable[[Inputs], Score]) -> Callable[[Inputs], Score]:
        entry = Criterion(score, frozenset(needs), iterations, reduction, only, single)
        criteria.add(name, entry, (score.__doc__ or "").partition("\n")[0])
        return score

    return add


@criterion("magnitude", needs=("final",))
def magnitude(inputs: Inputs) -> Score:
    """|w_final|; for channels the mean: within a layer, the ranking by L1 norm.

    Reference: Han et al. 2015, arXiv 1506.02626; Li et al. 2017, arXiv 1608.08710, for channels.
    """
    return Score(inputs.final, absolute=True)


@criterion("l2", needs=("final",), reduction=ROOT_MEAN_SQUARE)
def l2(inputs: Inputs) -> Score:
    """|w_final|; for channels and blocks the root mean square: within a layer, by L2 norm."""
    return Score(inputs.final, absolute=True)


@criterion("taylor", needs=("final", "gradient"), reduction=SUM_MAGNITUDE)
def taylor(inputs: Inputs) -> Score:
    """|Σ w ∂L/∂w| over a channel or block: to first order, how its removal changes the loss.

    Reference: Molchanov et al. 2019, arXiv 1906.10771, who square it, with the same ranking.
    """
    return Score(at_least_float32(inputs.final) * inputs.gradient, absolute=True)


@criterion("batch_norm_scale", needs=("final",), only="gamma")
def batch_norm_scale(inputs: Inputs) -> Score:
    """|γ| of the batch normalizations of a channel, relative to their mean.

    Reference: Liu et al. 2017, "Network slimming", arXiv 1708.06519.
    """
    return Score(inputs.final, absolute=True)


@criterion("random", needs=(), reduction=FIRST)
def random(inputs: Inputs) -> Score:
    """U(0, 1), from the seed and the path alone."""
    return Score(inputs.rng.random(inputs.mask.shape, dtype=np.float32), absolute=True)


@criterion("snip", needs=("final", "gradient"), reduction=SUM)
def snip(inputs: Inputs) -> Score:
    """|w ∂L/∂w| at the given weights. Reference: Lee et al. 2019, arXiv 1810.02340.

    The paper divides by the sum over all weights, which doesn't change the ranking.
    """
    return Score(at_least_float32(inputs.final) * inputs.gradient, absolute=True)


@criterion("grasp", needs=("final", "hessian_gradient"), reduction=SUM)
def grasp(inputs: Inputs) -> Score:
    """w (H g): to first order, how much |g|² falls when w is removed.

    Experiments divide logits by 200 and average over ten examples of each class, as published.
    `kl.prune` and `kl.TicketSearch` know neither logits nor classes, and use your loss and data.

    Reference: Wang et al. 2020, arXiv 2002.07376, who remove the weights of largest -w (H g).
    """
    return Score(at_least_float32(inputs.final) * inputs.derived("hessian_gradient"))


@criterion("synflow", needs=("final", "flow"), iterations=100, reduction=SUM)
def synflow(inputs: Inputs) -> Score:
    """|w| ∂R/∂|w|, in 100 iterations. Reference: Tanaka et al. 2020, arXiv 2006.05467."""
    return Score(at_least_float32(inputs.final) * inputs.derived("flow"), absolute=True)


@criterion("slow_modes", needs=("hessian_diagonal",), single=True)
def slow_modes(inputs: Inputs) -> Score:
    """-|h|, h = ∂²L/∂w²: the fast directions, of largest curvature, are pruned first.

    Directions with h = 0, which don't affect the dynamics, are pruned before all others.

    Part of our interpretation of Zhang et al. 2021 ("Validating the lottery ticket hypothesis
    with inertial manifold theory"); see `arms.inertial_manifold_interpretation`.
    """
    curvature = np.abs(inputs.derived("hessian_diagonal"))
    return Score(np.where(curvature > 0, -curvature, -np.inf))


@criterion("fast_modes", needs=("hessian_diagonal",), reduction=SUM)
def fast_modes(inputs: Inputs) -> Score:
    """|h|, h = ∂²L/∂w²: the flattest directions are pruned first, opposite to `slow_modes`."""
    return Score(inputs.derived("hessian_diagonal"), absolute=True)


def at_least_float32(values: Array) -> Array:
    """Returns values in their type or float32, whichever is wider.

    Differences and products in half precision lose most of their digits.
    """
    return values.astype(np.float32) if values.dtype.itemsize < 4 else values
