"""Pruning: from weights and masks to smaller masks, with exact counts.

Counts are of weights or, under a pattern, of groups of weights.
"""

from collections.abc import Callable, Mapping, Sequence

from keras_lottery.config import PruneConfig
from keras_lottery.errors import LotteryError
from keras_lottery.pruning.counts import complete_masks, count, kept
from keras_lottery.pruning.criteria import criteria
from keras_lottery.pruning.patterns import Layout, layout_of
from keras_lottery.pruning.pools import Pool, make_pools
from keras_lottery.pruning.quota import (
    Quota,
    kept_at,
    least_kept,
    quotas_of,
    quotas_to_round,
)
from keras_lottery.pruning.schedules import schedule_of
from keras_lottery.pruning.score_and_cut import Derive, prune_quotas
from keras_lottery.types import MaskSet, VariableInfo, Weights


def prune_round(
    weights: Weights,
    masks: MaskSet,
    infos: Sequence[VariableInfo],
    config: PruneConfig,
    round: int,
    *,
    initial: Weights | None = None,
    derive: Derive | None = None,
    seed: int = 0,
) -> MaskSet:
    """Returns the masks of `round`, from the masks and trained weights of the previous round.

    In each pool (the variables with one rate) the weights of smallest score are pruned: geometric
    schedules prune floor(rate × surviving) of them, linear ones up to a total of
    floor(rate × round × prunable).

    Args:
        weights: trained weights by path; at least the prunable ones.
        masks: masks of the previous round; missing ones are full.
        infos: the variables of the model; only prunable ones are used.
        config: how to prune.
        round: number of the round, from 1.
        initial: initial weights, for criteria that need them.
        derive: derivatives of the loss at `weights`, for criteria that need them.
        seed: seed of random criteria.

    Raises:
        LotteryError: arguments don't fit together, a score is NaN, or a floor would be violated.
    """
    schedule, layout = schedule_of(config), layout_of(config.pattern, infos)
    masks = complete_masks(masks, infos)
    groups = layout.fold(masks)
    quotas: list[Quota] = []
    for pool in make_pools(layout.infos, config.rate, config.rates):
        surviving = _surviving(pool, groups)
        prune = schedule(pool.rate, round, pool.size, sum(surviving))
        quotas += quotas_of(layout, pool, surviving, prune, config.scope, config.min_per_layer)
    known = {"final": weights, "initial": initial}
    return prune_quotas(layout, masks, quotas, config.criterion, known, derive, seed)


def prune_to_round(
    weights: Weights,
    masks: MaskSet,
    infos: Sequence[VariableInfo],
    config: PruneConfig,
    round: int,
    *,
    initial: Weights | None = None,
    derive: Derive | None = None,
    seed: int = 0,
) -> MaskSet:
    """Returns masks pruned in one step to the number of weights that `round` rounds keep.

    The counts per pool, and per variable if the allocation fixes them, are those of `prune_round`
    from all-ones masks.

    Args:
        masks: masks to prune; `{}` or `full_masks(infos)` for the dense network.
        round: number of rounds; 0 prunes nothing.

    For the other arguments and the errors see `prune_round`.
    """
    layout = layout_of(config.pattern, infos)
    masks = complete_masks(masks, infos)
    groups = layout.fold(masks)
    quotas: list[Quota] = []
    for pool in make_pools(layout.infos, config.rate, config.rates):
        quotas += quotas_to_round(layout, pool, _surviving(pool, groups), config, round)
    known = {"final": weights, "initial": initial}
    return prune_quotas(layout, masks, quotas, config.criterion, known, derive, seed)


def prune_to(
    weights: Weights,
    masks: MaskSet,
    infos: Sequence[VariableInfo],
    sparsity: float | Mapping[str, float],
    *,
    criterion: str = "magnitude",
    scope: str = "global",
    derive: Derive | None = None,
    initial: Weights | None = None,
    seed: int = 0,
    min_per_layer: int = 1,
    rates: Mapping[str, float] | None = None,
    pattern: str = "weights",
) -> MaskSet:
    """Returns masks with a total of floor(sparsity × prunable) weights or groups pruned.

    Args:
        sparsity: fraction removed of the prunable weights, weights pruned before included. A
            mapping has sparsities by the keys of `rates`; other variables don't change.
        rates: other sparsities by group or path pattern, each for its own pool.
        pattern: which weights are pruned together.

    For the other arguments see `prune_round`.

    Raises:
        LotteryError: see `prune_round`; also if the masks are already sparser.

    Example:
        >>> infos = [VariableInfo("kernel", (5,))]
        >>> prune_to({"kernel": np.arange(5.0)}, {}, infos, 0.4)["kernel"]
        array([False, False,  True,  True,  True])
    """
    layout = layout_of(pattern, infos)
    masks = complete_masks(masks, infos)
    groups = layout.fold(masks)
    quotas: list[Quota] = []
    for pool in _pools(layout, sparsity, rates):
        surviving = _surviving(pool, groups)
        prune = _remaining_to_prune(layout, pool, sum(surviving))
        quotas += quotas_of(layout, pool, surviving, prune, scope, min_per_layer)
    known = {"final": weights, "initial": initial}
    return prune_quotas(layout, masks, quotas, criterion, known, derive, seed)


def prune_to_cost(
    weights: Weights,
    masks: MaskSet,
    infos: Sequence[VariableInfo],
    cost: Callable[[MaskSet], float],
    budget: float,
    *,
    criterion: str = "magnitude",
    scope: str = "global",
    derive: Derive | None = None,
    initial: Weights | None = None,
    seed: int = 0,
    min_per_layer: int = 1,
    pattern: str = "channels",
    unit: str = "",
) -> MaskSet:
    """Returns masks with the fewest groups of weights pruned that meet a cost budget.

    Args:
        cost: cost of masks; must not increase when more is pruned.
        budget: largest allowed cost.
        unit: unit of the cost, for the error.

    For the other arguments see `prune_to`.

    Raises:
        LotteryError: see `prune_round`; also if no masks of this pattern meet the budget.
    """
    layout = layout_of(pattern, infos)
    masks = complete_masks(masks, infos)
    groups = layout.fold(masks)
    (pool,) = make_pools(layout.infos, 0.0)
    surviving = _surviving(pool, groups)
    known = {"final": weights, "initial": initial}
    if derive is not None and criteria[criterion].iterations == 1:
        derive = _once(derive)  # always evaluated at the same masks

    def pruned(count: int) -> MaskSet:
        quotas = quotas_of(layout, pool, surviving, count, scope, min_per_layer)
        return prune_quotas(layout, masks, quotas, criterion, known, derive, seed)

    few, many = 0, sum(surviving) - least_kept(layout, pool, surviving, min_per_layer)
    best = pruned(many)
    if cost(best) > budget:
        raise LotteryError(
            f"Expected a target of at least {cost(best):,.0f} {unit}, the smallest that pruning "
            f"can reach ({layout.floor}). Received: {budget:,.0f}. Prune less, or exclude less."
        )
    while few < many:  # `many` fits the budget
        middle = (few + many) // 2
        masks_between = pruned(middle)
        if cost(masks_between) > budget:
            few = middle + 1
        else:
            many, best = middle, masks_between
    return best


def prune_to_count(
    weights: Weights,
    masks: MaskSet,
    infos: Sequence[VariableInfo],
    config: PruneConfig,
    keep: int,
    *,
    initial: Weights | None = None,
    derive: Derive | None = None,
    seed: int = 0,
) -> MaskSet:
    """Returns masks that keep exactly `keep` prunable weights or groups, whatever the rates.

    For the other arguments and the errors see `prune_round`.
    """
    layout = layout_of(config.pattern, infos)
    masks = complete_masks(masks, infos)
    (pool,) = make_pools(layout.infos, config.rate)
    surviving = _surviving(pool, layout.fold(masks))
    prune = sum(surviving) - keep
    quotas = quotas_of(layout, pool, surviving, prune, config.scope, config.min_per_layer)
    known = {"final": weights, "initial": initial}
    return prune_quotas(layout, masks, quotas, config.criterion, known, derive, seed)


def kept_after(infos: Sequence[VariableInfo], config: PruneConfig, round: int) -> int:
    """Returns the number of prunable weights or groups kept after `round` rounds."""
    layout = layout_of(config.pattern, infos)
    pools = make_pools(layout.infos, config.rate, config.rates)
    return sum(kept_at(layout, pool, config, round)[0] for pool in pools)


def _pools(
    layout: Layout, sparsity: float | Mapping[str, float], rates: Mapping[str, float] | None
) -> list[Pool]:
    if not isinstance(sparsity, Mapping):
        return make_pools(layout.infos, sparsity, rates)
    pools = [pool for pool in make_pools(layout.infos, 0.0, sparsity, "sparsity") if pool.name]
    if idle := sorted(sparsity.keys() - {pool.name for pool in pools}):
        raise LotteryError(
            f"Expected keys that match prunable variables: {_prunable(layout)}. Received: "
            f"{idle[0]!r}, which matches none. Change it, or the options."
        )
    return pools


def _prunable(layout: Layout) -> str:
    paths = [info.path for info in layout.infos if info.prunable]
    return ", ".join(paths[:8]) + ", …" * (len(paths) > 8)


def _remaining_to_prune(layout: Layout, pool: Pool, surviving: int) -> int:
    if not 0 <= pool.rate <= 1:
        raise LotteryError(
            f"Expected a sparsity between 0 and 1, the fraction removed. "
            f"Received: {pool.rate}. For 90 % removed, pass 0.9."
        )
    prune = count(pool.rate, pool.size) - (pool.size - surviving)
    if prune < 0:
        raise LotteryError(
            f"Expected a sparsity of at least {(pool.size - surviving) / pool.size}, which the "
            f"{pool} have already. Received: {pool.rate}. Pruned {layout.noun} do not come back; "
            "strip and mask the model again to start over."
        )
    return prune


def _once(derive: Derive) -> Derive:
    values: dict[str, Weights] = {}

    def derive_once(name: str, masks: MaskSet) -> Weights:
        if name not in values:
            values[name] = derive(name, masks)
        return values[name]

    return derive_once


def _surviving(pool: Pool, groups: MaskSet) -> list[int]:
    return [kept({path: groups[path]}) for path in pool.paths]
