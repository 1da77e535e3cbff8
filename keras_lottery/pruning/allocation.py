"""Allocating the pruning of a pool to its variables.

To add an allocation, register one function.
"""

from collections.abc import Callable, Sequence

from keras_lottery.pruning.counts import share_out
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
    """The same final sparsity in every variable that is not sparser already."""
    return _keep_in_proportion([info.size for info in infos], surviving, prune, floors)


@allocations.register("erk")
def erk(
    infos: Sequence[VariableInfo], surviving: Sequence[int], prune: int, floors: Sequence[int]
) -> list[int]:
    """Erdős–Rényi-kernel: a variable's density is ε × (Σ of its shape) / (Π of its shape).

    ε makes the total exact. Densities above 1 become 1, and the others are scaled up. Blocks have
    the shape of their grid; channels have none, and are refused.

    Reference: Evci et al. 2020, arXiv 1911.11134.
    """
    return _keep_in_proportion([sum(info.shape) for info in infos], surviving, prune, floors)


def _keep_in_proportion(
    weights: Sequence[int], surviving: Sequence[int], prune: int, floors: Sequence[int]
) -> list[int]:
    keep = share_out(sum(surviving) - prune, weights, floors, surviving)
    return [s - k for s, k in zip(surviving, keep)]
