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


@dataclass(frozen=True)
class Inputs:
    """What the score of one variable may depend on; what a criterion did not ask for is absent.

    Args:
        path: the variable's path.
        mask: True where a weight survives.
        rng: random numbers of this path, whatever the order in which variables are scored.
        values: `final`, `initial` and `gradient`, as far as needed and known.
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
        return at_least_float32(self.values["gradient"])


@dataclass(frozen=True)
class Criterion:
    """A registered way to score weights.

    Args:
        score: scores one variable.
        needs: which of `final`, `initial` and `gradient` it reads.
    """

    score: Callable[[Inputs], Score]
    needs: frozenset[str]


criteria: Registry[Criterion] = Registry("criterion")

_WHERE = {
    "final": "Pass the variable's weights.",
    "initial": "Pass initial=, the weights that training started from.",
    "gradient": "Pass gradients= (kl.prune: data=(x, y)).",
}


def criterion(
    name: str, needs: tuple[str, ...]
) -> Callable[[Callable[[Inputs], Score]], Callable[[Inputs], Score]]:
    """Returns a decorator that registers a scoring function as the criterion `name`."""

    def add(score: Callable[[Inputs], Score]) -> Callable[[Inputs], Score]:
        criteria.register(name)(Criterion(score, frozenset(needs)))
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
        known: `final`, `initial` and `gradient`, each by path, or None where it is not there.
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
                f"{_WHERE[need]}"
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
