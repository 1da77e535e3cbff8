"""Quotas: how many weights to prune from which variables, and the cut that respects all floors.

Under a pattern, these are groups of weights and arrays of groups.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

from keras_lottery.config import PruneConfig
from keras_lottery.errors import LotteryError
from keras_lottery.pruning.counts import kept
from keras_lottery.pruning.patterns import Layout
from keras_lottery.pruning.pools import Pool
from keras_lottery.pruning.schedules import schedule_of
from keras_lottery.pruning.topk import Score, cut
from keras_lottery.types import MaskSet


@dataclass(frozen=True)
class Quota:
    """How many weights to prune from variables that are ranked together.

    Args:
        paths: the variables.
        prune: number of weights to prune in total.
        floors: minimal number of weights that each variable keeps.
    """

    paths: tuple[str, ...]
    prune: int
    floors: tuple[int, ...]


def quotas_of(
    layout: Layout,
    pool: Pool,
    surviving: Sequence[int],
    prune: int,
    scope: str,
    min_per_layer: int,
) -> list[Quota]:
    """Allocates the pruning of a pool: one quota for the whole pool, or one per variable.

    Args:
        layout: the groups of weights that are pruned together.
        pool: the variables.
        surviving: number of surviving weights of each variable.
        prune: number of weights to prune.
        scope: name of a registered allocation.
        min_per_layer: minimal number of weights that each variable keeps, if it has that many.

    Raises:
        LotteryError: the pool doesn't have that many weights to prune.
    """
    floors = tuple(_floors(layout, pool, surviving, min_per_layer))
    allocate = layout.allocation(scope)
    _check(layout, str(pool), sum(surviving), prune, sum(floors))
    shares = allocate(pool.infos, surviving, prune, floors)
    if shares is None:
        return [Quota(pool.paths, prune, floors)]
    return [Quota((p,), share, (0,)) for p, share in zip(pool.paths, shares)]


def quotas_to_round(
    layout: Layout, pool: Pool, surviving: Sequence[int], config: PruneConfig, round: int
) -> list[Quota]:
    """Returns the quotas that prune the pool in one step to its count after `round` rounds."""
    keep, keep_each = kept_at(layout, pool, config, round)
    if keep_each is None:
        prune = sum(surviving) - keep
        return quotas_of(layout, pool, surviving, prune, config.scope, config.min_per_layer)
    for path, count, target in zip(pool.paths, surviving, keep_each):
        _check(layout, f"{path} at round {round}", count, count - target, 0)
    return [
        Quota((path,), count - target, (0,))
        for path, count, target in zip(pool.paths, surviving, keep_each)
    ]


def kept_at(
    layout: Layout, pool: Pool, config: PruneConfig, round: int
) -> tuple[int, list[int] | None]:
    """Returns the survivors of `round` rounds: the total, and per variable if that is fixed."""
    schedule, allocate = schedule_of(config), layout.allocation(config.scope)
    surviving = [info.size for info in pool.infos]
    total, fixed = pool.size, False
    for r in range(1, round + 1):
        prune = schedule(pool.rate, r, pool.size, total)
        floors = _floors(layout, pool, surviving, config.min_per_layer)
        _check(layout, f"{pool} at round {r}", total, prune, sum(floors))
        total -= prune
        shares = allocate(pool.infos, surviving, prune, floors)
        if shares is not None:
            surviving, fixed = [s - share for s, share in zip(surviving, shares)], True
    return total, surviving if fixed else None


def _floors(layout: Layout, pool: Pool, surviving: Sequence[int], min_per_layer: int) -> list[int]:
    least = (max(min_per_layer, layout.least(info)) for info in pool.infos)
    return [min(floor, s) for floor, s in zip(least, surviving)]


def least_kept(layout: Layout, pool: Pool, surviving: Sequence[int], min_per_layer: int) -> int:
    """Returns the smallest number of groups that a pool can be pruned to."""
    return sum(_floors(layout, pool, surviving, min_per_layer))


def _check(layout: Layout, label: str, surviving: int, prune: int, floor: int) -> None:
    noun = layout.noun
    if prune < 0:
        raise LotteryError(
            f"Expected at least {surviving - prune} surviving {noun} in the {label} to prune from. "
            f"Received: {surviving}. Pass the masks of the previous round, or full ones."
        )
    if surviving - prune < floor:
        raise LotteryError(
            f"Expected to keep at least {floor} {noun} in the {label} ({layout.floor}). "
            f"Received: {surviving - prune} left at the requested sparsity. "
            "Prune less, or exclude small layers."
        )


def part(quota: Quota, first: MaskSet, current: MaskSet, progress: float) -> Quota:
    """Returns the part of a quota to prune in the next of several iterations.

        kept(progress) = ⌈N (K / N)^progress⌉

    with N the weights that survive at first and K the weights that the quota keeps. Equal steps
    prune equal shares of the survivors.

    Args:
        quota: the whole quota.
        first: the masks before the first iteration.
        current: the current masks.
        progress: from 0 to 1.

    Reference: the schedule of Tanaka et al. 2020, arXiv 2006.05467, algorithm 1.
    """
    size = _kept(first, quota)
    keep = size - quota.prune
    if progress < 1:
        keep = max(keep, ceil(size * (keep / size) ** progress))
    return replace(quota, prune=_kept(current, quota) - keep)


def _kept(masks: MaskSet, quota: Quota) -> int:
    return kept({path: masks[path] for path in quota.paths})


def cut_quota(
    quota: Quota, scores: Mapping[str, Score], masks: MaskSet, candidates: MaskSet
) -> MaskSet:
    """Prunes a quota such that each variable keeps its floor; the others lose more instead.

    A variable that the common cut leaves below its floor is pruned to the floor separately. The
    others then lose more, so it would still be below its floor, and the loop terminates.

    Args:
        quota: the quota.
        scores: scores of each variable.
        masks: surviving weights.
        candidates: surviving weights that may be pruned.
    """
    if candidates is masks:
        return _cut_to_floors(quota, scores, masks)
    fixed = {path: masks[path] & ~candidates[path] for path in quota.paths}
    floors = tuple(max(0, f - kept({p: fixed[p]})) for p, f in zip(quota.paths, quota.floors))
    result = _cut_to_floors(replace(quota, floors=floors), scores, candidates)
    return {path: mask | fixed[path] for path, mask in result.items()}


def _cut_to_floors(quota: Quota, scores: Mapping[str, Score], masks: MaskSet) -> MaskSet:
    floors = dict(zip(quota.paths, quota.floors))
    result: MaskSet = {}
    free, prune = dict(scores), quota.prune
    while True:
        common = cut(free, masks, prune)
        short = [path for path in free if kept({path: common[path]}) < floors[path]]
        if not short:
            return result | common
        for path in short:
            alone = kept({path: masks[path]}) - floors[path]
            result |= cut({path: free.pop(path)}, masks, alone)
            prune -= alone
