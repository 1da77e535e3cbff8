"""How a weight is scored; the smallest scores are pruned first.

To add a criterion, write one function with `@criterion(name, needs=...)` here, or register one
from anywhere: `criteria.register(name)(Criterion(score, needs))`. Those that compare a weight's
first and last value are in `mask_criteria`.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError
from keras_lottery.pruning.topk import Score
from keras_lottery.registry import Registry

Array = NDArray[Any]

DERIVED = {
    "gradient": "∂L/∂w",
    "hessian_gradient": "∂²L/∂w² · ∂L/∂w",
    "hessian_diagonal": "the diagonal of ∂²L/∂w²",
    "flow": "∂R/∂|w| of the synaptic flow R",
}
"""What can be asked of a model beside its weights; `derivatives.derive` makes them."""


@dataclass(frozen=True)
class Inputs:
    """What the score of one variable may depend on; what a criterion did not ask for is absent.

    Args:
        path: the variable's path.
        mask: True where a weight survives.
        rng: random numbers of this path, whatever the order in which variables are scored.
        values: `final`, `initial` and derivatives of the loss, as far as needed and known.
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
        """Weights that training started from, at least float32."""
        return at_least_float32(self.values["initial"])

    @property
    def gradient(self) -> Array:
        """Mean gradient of the loss, at least float32."""
        return self.derived("gradient")

    def derived(self, name: str) -> Array:
        """Returns one of `DERIVED`, at least float32."""
        return at_least_float32(self.values[name])


@dataclass(frozen=True)
class Criterion:
    """A registered way to score weights.

    Args:
        score: scores one variable.
        needs: which of `final`, `initial` and `DERIVED` it reads.
        iterations: times that it prunes and scores anew, a constant share of what survives each,
            until as few are left as asked for.
    """

    score: Callable[[Inputs], Score]
    needs: frozenset[str]
    iterations: int = 1

    @property
    def derived(self) -> frozenset[str]:
        """What it needs beside weights: derivatives of the loss."""
        return self.needs & DERIVED.keys()


criteria: Registry[Criterion] = Registry("criterion")

_WHERE = {
    "final": "Pass the variable's weights.",
    "initial": "Pass initial=, the weights that training started from.",
}
_DERIVE = "Pass derive= (kl.prune: data=(x, y))."


def criterion(
    name: str, needs: tuple[str, ...], iterations: int = 1
) -> Callable[[Callable[[Inputs], Score]], Callable[[Inputs], Score]]:
    """Returns a decorator that registers a scoring function as the criterion `name`."""

    def add(score: Callable[[Inputs], Score]) -> Callable[[Inputs], Score]:
        criteria.register(name)(Criterion(score, frozenset(needs), iterations))
        return score

    return add


@criterion("magnitude", needs=("final",))
def magnitude(inputs: Inputs) -> Score:
    """|w_final|. Reference: Han et al. 2015, arXiv 1506.02626."""
    return Score(inputs.final, absolute=True)


@criterion("random", needs=())
def random(inputs: Inputs) -> Score:
    """U(0, 1), from the seed and the path alone."""
    return Score(inputs.rng.random(inputs.mask.shape, dtype=np.float32), absolute=True)


@criterion("snip", needs=("final", "gradient"))
def snip(inputs: Inputs) -> Score:
    """|w ∂L/∂w|, at the weights given. Reference: Lee et al. 2019, arXiv 1810.02340.

    The paper divides by the sum over all weights, which leaves the order as it is.
    """
    return Score(at_least_float32(inputs.final) * inputs.gradient, absolute=True)


@criterion("grasp", needs=("final", "hessian_gradient"))
def grasp(inputs: Inputs) -> Score:
    """w (H g): to the first order, how much |g|² falls when w goes.

    Reference: Wang et al. 2020, arXiv 2002.07376, whose score of what to remove is -w (H g).
    """
    return Score(at_least_float32(inputs.final) * inputs.derived("hessian_gradient"))


@criterion("synflow", needs=("final", "flow"), iterations=100)
def synflow(inputs: Inputs) -> Score:
    """|w| ∂R/∂|w|, in 100 iterations. Reference: Tanaka et al. 2020, arXiv 2006.05467."""
    return Score(at_least_float32(inputs.final) * inputs.derived("flow"), absolute=True)


@criterion("slow_modes", needs=("hessian_diagonal",))
def slow_modes(inputs: Inputs) -> Score:
    """-|h|, h = ∂²L/∂w²: the directions of largest curvature, the fast ones, go first.

    Before them all go those with h = 0, which take no part in the dynamics.

    Part of our interpretation of Zhang et al. 2021 ("Validating the lottery ticket hypothesis
    with inertial manifold theory"); see `arms.inertial_manifold_interpretation`.
    """
    curvature = np.abs(inputs.derived("hessian_diagonal"))
    return Score(np.where(curvature > 0, -curvature, -np.inf))


@criterion("fast_modes", needs=("hessian_diagonal",))
def fast_modes(inputs: Inputs) -> Score:
    """|h|, h = ∂²L/∂w²: the flattest directions go first; `slow_modes` the other way round."""
    return Score(inputs.derived("hessian_diagonal"), absolute=True)


def score_variable(
    name: str,
    path: str,
    mask: NDArray[np.bool_],
    known: Mapping[str, Mapping[str, Array] | None],
    seed: int = 0,
) -> Score:
    """Returns the score of one variable under the criterion `name`.

    Args:
        name: a registered criterion.
        path: the variable.
        mask: True where a weight survives.
        known: `final`, `initial` and what is derived, each by path, or None where it is not there.
        seed: of the random numbers.

    Raises:
        LotteryError: the criterion needs what is not there, or shapes differ.
    """
    chosen = criteria[name]
    values = {}
    for need in sorted(chosen.needs):
        given = (known.get(need) or {}).get(path)
        if given is None:
            raise LotteryError(
                f"Criterion {name!r}: expected the {need} values of {path}. Received none. "
                f"{_WHERE.get(need, _DERIVE)}"
            )
        values[need] = _of_shape(given, mask.shape, f"the {need} values of {path}")
    with np.errstate(all="ignore"):  # infinities rank as such; the cut refuses NaN by path
        score = chosen.score(Inputs(path, mask, path_rng(seed, path), values))
    _of_shape(score.values, mask.shape, f"scores of {path} by criterion {name!r}")
    return score


def path_rng(seed: int, path: str) -> np.random.Generator:
    """Returns random numbers that depend on `seed` and `path` alone."""
    words = np.frombuffer(hashlib.sha256(path.encode()).digest(), dtype="<u4")
    return np.random.default_rng([seed, *map(int, words)])


def _of_shape(values: Array, shape: tuple[int, ...], what: str) -> Array:
    values = np.asarray(values)
    if values.shape != shape:
        raise LotteryError(
            f"Expected {what} to have the shape {shape} of the mask. Received: {values.shape}. "
            "Pass values and masks of one and the same model."
        )
    return values


def at_least_float32(values: Array) -> Array:
    """Returns values in their type or float32, whichever is wider.

    Widens half precision, in which differences and products lose most of their digits."""
    return values.astype(np.float32) if values.dtype.itemsize < 4 else values
