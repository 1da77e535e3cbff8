"""Allocating the pruning of a pool to its variables.

To add an allocation, register one function.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import floor

from keras_lottery.registry import Registry
from keras_lottery.types import VariableInfo

Allocation = Callable[[Sequence[VariableInfo], Sequence[int], int, Sequence[int]], list[int] | None]
"""`(infos, surviving, prune, floors) -> weights to prune of each variable`.

The variables are in path order; `surviving` has the number of surviving weights of each, `prune` is
the total to prune, and `floors` has the minimum that each keeps. None: rank all together."""

allocations: Registry[Allocation] = Registry("allocation (prune.scope)")


@allocations.register("global")
def global_(
    infos: Sequence[VariableInfo], surviving: Sequence[int], prune: int, floors: Sequence[int]
) -> None:
    """All variables are ranked together."""
    return None


@allocations.register("layer")
def layer(
    infos: Sequence[VariableInfo], surviving: Sequence[int], prune: int, floors: Sequence[int]
) -> list[int]:
    """The same share of the surviving weights of every variable."""
    most = [s - f for s, f in zip(surviving, floors)]
    return share_out(prune, surviving, [0] * len(infos), most)


@allocations.register("uniform")
def uniform(
    infos: Sequence[VariableInfo], surviving: Sequence[int], prune: int, floors: Sequence[int]
) -> list[int]:
    """The same final sparsity in every variable that is not already sparser."""
    return _keep_in_proportion([info.size for info in infos], surviving, prune, floors)


@allocations.register("erk")
def erk(
    infos: Sequence[VariableInfo], surviving: Sequence[int], prune: int, floors: Sequence[int]
) -> list[int]:
    """Erdős–Rényi-kernel: a variable's density is ε × (Σ of its shape) / (Π of its shape).

    ε makes the total exact. Densities above 1 become 1, and the others are scaled up. Blocks have
    the shape of their grid; channels have none, so they are an error.

    Reference: Evci et al. 2020, arXiv 1911.11134.
    """
    return _keep_in_proportion([sum(info.shape) for info in infos], surviving, prune, floors)


def _keep_in_proportion(
    weights: Sequence[int], surviving: Sequence[int], prune: int, floors: Sequence[int]
) -> list[int]:
    keep = share_out(sum(surviving) - prune, weights, floors, surviving)
    return [s - k for s, k in zip(surviving, keep)]


def share_out(
    total: int, weights: Sequence[int], lower: Sequence[int], upper: Sequence[int]
) -> list[int]:
    """Returns integer shares of `total`, proportional to `weights` and within bounds.

        x_i = clip(λ w_i, lower_i, upper_i),   λ such that Σ x_i = total

    rounded by largest remainder, with ties broken by order.

    Args:
        total: number to distribute, between Σ lower and Σ upper.
        weights: non-negative integers.
        lower: smallest share of each.
        upper: largest share of each.
    """
    exact = _proportional(total, weights, lower, upper)
    shares = [floor(x) for x in exact]
    remaining = total - sum(shares)
    by_remainder = sorted(range(len(exact)), key=lambda i: (shares[i] - exact[i], i))
    for i in by_remainder[:remaining]:
        shares[i] += 1
    return shares


def _proportional(
    total: int, weights: Sequence[int], lower: Sequence[int], upper: Sequence[int]
) -> list[Fraction]:
    """Solves for λ: clips all, and fixes the side on which clipping changes more."""
    exact = [Fraction(0)] * len(weights)
    free = set(range(len(weights)))
    while free:
        rest = total - sum(exact[i] for i in range(len(weights)) if i not in free)
        scale = sum(weights[i] for i in free)
        for i in free:
            exact[i] = rest * Fraction(weights[i], scale) if scale else Fraction(rest, len(free))
        low = {i for i in free if exact[i] < lower[i]}
        high = {i for i in free if exact[i] > upper[i]}
        if not low and not high:
            break
        missed = sum(lower[i] - exact[i] for i in low) + sum(upper[i] - exact[i] for i in high)
        fixed = (low if missed > 0 else high) if missed else low | high
        for i in fixed:
            exact[i] = Fraction(lower[i] if i in low else upper[i])
        free -= fixed
    return exact
