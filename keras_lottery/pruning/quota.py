"""Quotas: how many weights go from which variables, and the cut that keeps every floor.

Under a pattern, these are groups of weights and the arrays that they are in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

from keras_lottery.config import PruneConfig
from keras_lottery.errors import LotteryError
from keras_lottery.pruning.allocation import allocations
from keras_lottery.pruning.masks import kept
from keras_lottery.pruning.patterns import Layout
from keras_lottery.pruning.pools import Pool
from keras_lottery.pruning.schedules import schedule_of
from keras_lottery.pruning.topk import Score, cut
from keras_lottery.types import MaskSet


@dataclass(frozen=True)
class Quota:
    """What variables that are ranked together lose.

    Args:
        paths: the variables.
        prune: number of weights to prune of all of them.
        floors: number of weights that each of them keeps at least.
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
    """Shares out what a pool loses: one quota for all of it, or one per variable.

    Args:
        layout: the groups of weights that are pruned together.
        pool: the variables.
        surviving: how many weights of each survive.
        prune: number of weights to prune.
        scope: name of a registered allocation.
        min_per_layer: weights that each variable keeps at least, where it has them.

    Raises:
        LotteryError: the pool cannot lose that many.
    """
    floors = tuple(_floors(layout, pool, surviving, min_per_layer))
    allocate = allocations[scope]
    _check(layout, str(pool), sum(surviving), prune, sum(floors))
    shares = allocate(pool.infos, surviving, prune, floors)
    if shares is None:
        return [Quota(pool.paths, prune, floors)]
    return [Quota((p,), share, (0,)) for p, share in zip(pool.paths, shares)]


def quotas_to_round(
    layout: Layout, pool: Pool, surviving: Sequence[int], config: PruneConfig, round: int
) -> list[Quota]:
    """Returns the quotas that cut the pool in one go to what it keeps after `round` rounds."""
    keep, keep_each = kept_at(layout, pool, config, round)
    if keep_each is None:
        prune = sum(surviving) - keep
        return quotas_of(layout, pool, surviving, prune, config.scope, config.min_per_layer)
    for path, now, then in zip(pool.paths, surviving, keep_each):
        _check(layout, f"{path} at round {round}", now, now - then, 0)
    return [
        Quota((path,), now - then, (0,))
        for path, now, then in zip(pool.paths, surviving, keep_each)
    ]


def kept_at(
    layout: Layout, pool: Pool, config: PruneConfig, round: int
) -> tuple[int, list[int] | None]:
    """Returns how many weights survive `round` rounds in all, and of each variable if it is set."""
    schedule, allocate = schedule_of(config), allocations[config.scope]
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


def _check(layout: Layout, what: str, surviving: int, prune: int, floor: int) -> None:
    noun = layout.noun
    if prune < 0:
        raise LotteryError(
            f"Expected at least {surviving - prune} surviving {noun} in the {what} to prune from. "
            f"Received: {surviving}. Pass the masks of the round before, or full ones."
        )
    if surviving - prune < floor:
        raise LotteryError(
            f"Expected to keep at least {floor} {noun} in the {what} ({layout.floor}). "
            f"Received: {surviving - prune} left by the sparsity asked for. "
            "Prune less, exclude small layers, or lower min_per_layer."
        )


def part(quota: Quota, first: MaskSet, now: MaskSet, progress: float) -> Quota:
    """Returns what is to go now of a quota that is cut little by little.

        kept(progress) = ⌈N (K / N)^progress⌉

    with N the weights that survive at first and K those that the quota keeps, so that equal
    steps prune equal shares of what survives.

    Args:
        quota: what is to go in all.
        first: the masks before anything of it went.
        now: the masks as they are.
        progress: from 0 to 1.

    Reference: the schedule of Tanaka et al. 2020, arXiv 2006.05467, algorithm 1.
    """
    every = _of(first, quota)
    keep = every - quota.prune
    if progress < 1:
        keep = max(keep, ceil(every * (keep / every) ** progress))
    return replace(quota, prune=_of(now, quota) - keep)


def _of(masks: MaskSet, quota: Quota) -> int:
    return kept({path: masks[path] for path in quota.paths})


def cut_quota(
    quota: Quota, scores: Mapping[str, Score], masks: MaskSet, candidates: MaskSet
) -> MaskSet:
    """Cuts the quota so that each variable keeps its floor; the others make up for it.

    A variable that the common cut leaves below its floor is cut down to it by itself; the rest
    then loses more, so it stays below the common cut, and this comes to an end.

    Args:
        quota: what is to go.
        scores: score of each variable.
        masks: what survives.
        candidates: what of it may go.
    """
    if candidates is masks:
        return _cut_to_floors(quota, scores, masks)
    stays = {path: masks[path] & ~candidates[path] for path in quota.paths}
    floors = tuple(max(0, f - kept({p: stays[p]})) for p, f in zip(quota.paths, quota.floors))
    result = _cut_to_floors(replace(quota, floors=floors), scores, candidates)
    return {path: mask | stays[path] for path, mask in result.items()}


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
