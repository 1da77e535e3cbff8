"""Scoring the weights that survive, and cutting quotas of those with the smallest scores."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError
from keras_lottery.pruning.criteria import Array, Inputs, criteria
from keras_lottery.pruning.patterns import Layout
from keras_lottery.pruning.quota import Quota, cut_quota, part
from keras_lottery.pruning.topk import Score
from keras_lottery.types import MaskSet, Weights

Derive = Callable[[str, MaskSet], Weights]
"""`(quantity, masks) -> values by path`; for the quantities see `criteria.DERIVED`."""

_REMEDIES = {
    "final": "Pass the variable's weights.",
    "initial": "Pass initial=, the initial weights.",
}
_DEFAULT_REMEDY = (
    "Pass derive= (kl.prune: data=(x, y)); it has none for variables that are frozen: exclude them."
)


def prune_quotas(
    layout: Layout,
    masks: MaskSet,
    quotas: Sequence[Quota],
    criterion: str,
    known: Mapping[str, Weights | None],
    derive: Derive | None,
    seed: int,
) -> MaskSet:
    """Cuts one quota after the other; variables with nothing to prune are not scored."""
    layout.check_criterion(criterion)  # even if nothing is pruned
    chosen = criteria[criterion]
    quotas = [quota for quota in quotas if quota.prune]
    first = layout.fold(masks)
    groups, pruned = dict(first), masks
    for iteration in range(1, chosen.iterations + 1):
        parts = [part(quota, first, groups, iteration / chosen.iterations) for quota in quotas]
        if not any(quota.prune for quota in parts):
            continue
        derived = {name: derive(name, pruned) for name in chosen.derived} if derive else {}
        score_of = _scorer(criterion, pruned, {**known, **derived}, seed, layout.shares_weights)
        for quota in parts:
            scores = layout.scores(quota.paths, score_of, pruned, chosen)
            cut = cut_quota(quota, scores, groups, layout.candidates(scores, groups))
            groups |= layout.settle(cut, groups, scores)
        pruned = layout.unfold(groups, masks)
    return {p: m.copy() if m is masks[p] else m for p, m in sorted(pruned.items())}


def _scorer(
    criterion: str,
    masks: MaskSet,
    known: Mapping[str, Weights | None],
    seed: int,
    cached: bool,
) -> Callable[[str], Score]:
    def score_of(path: str) -> Score:
        return score_variable(criterion, path, masks[path], known, seed)

    return cache(score_of) if cached else score_of


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
        known: `final`, `initial` and derived values, each by path, or None if missing.
        seed: seed of the random numbers.

    Raises:
        LotteryError: values that the criterion needs are missing, or shapes differ.
    """
    chosen = criteria[name]
    values = {}
    for need in sorted(chosen.needs):
        value = (known.get(need) or {}).get(path)
        if value is None:
            raise LotteryError(
                f"Criterion {name!r}: expected the {need} values of {path}. Received none. "
                f"{_REMEDIES.get(need, _DEFAULT_REMEDY)}"
            )
        values[need] = _of_shape(value, mask.shape, f"the {need} values of {path}")
    with np.errstate(all="ignore"):  # infinities are ranked; the cut raises for NaN
        score = chosen.score(Inputs(path, mask, path_rng(seed, path), values))
    _of_shape(score.values, mask.shape, f"scores of {path} by criterion {name!r}")
    return score


def path_rng(seed: int, path: str) -> np.random.Generator:
    """Returns a random generator that depends on `seed` and `path` only."""
    words = np.frombuffer(hashlib.sha256(path.encode()).digest(), dtype="<u4")
    return np.random.default_rng([seed, *map(int, words)])


def _of_shape(values: Array, shape: tuple[int, ...], label: str) -> Array:
    values = np.asarray(values)
    if values.shape != shape:
        raise LotteryError(
            f"Expected {label} to have the shape {shape} of the mask. Received: {values.shape}. "
            "Pass values and masks of the same model."
        )
    return values
