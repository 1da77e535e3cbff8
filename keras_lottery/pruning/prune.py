"""Pruning: from weights and masks to smaller masks, in exact counts.

What is counted is weights, or under another pattern the groups of weights that go together.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache

from keras_lottery.config import PruneConfig
from keras_lottery.errors import LotteryError
from keras_lottery.pruning.counts import count
from keras_lottery.pruning.criteria import criteria, score_variable
from keras_lottery.pruning.masks import complete_masks, kept
from keras_lottery.pruning.patterns import Layout, layout_of
from keras_lottery.pruning.pools import Pool, make_pools
from keras_lottery.pruning.quota import (
    Quota,
    cut_quota,
    kept_at,
    least_kept,
    part,
    quotas_of,
    quotas_to_round,
)
from keras_lottery.pruning.schedules import schedule_of
from keras_lottery.pruning.topk import Score
from keras_lottery.types import MaskSet, VariableInfo, Weights

Derive = Callable[[str, MaskSet], Weights]
"""From the name of a quantity (`criteria.DERIVED`) and the masks: its values by path."""


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
    """Returns the masks of `round`, from the masks and the trained weights of the round before.

    Each pool (the variables under one rate) loses the weights of smallest score: geometric
    floor(rate × surviving); linear as many as make it floor(rate × round × prunable) in all.

    Args:
        weights: trained weights by path; at least the prunable ones.
        masks: masks of the round before; a missing one is full.
        infos: the variables of the model; only prunable ones take part.
        config: how to prune.
        round: the round whose masks are made, from 1.
        initial: weights that the training started from, for criteria that need them.
        derive: derivatives of the loss at `weights`, for criteria that need them.
        seed: for criteria that draw.

    Raises:
        LotteryError: anything does not fit, a score is NaN, or the floors forbid it.
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
    return _prune(layout, masks, quotas, config.criterion, known, derive, seed)


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
    """Returns masks that keep as many weights as `round` rounds of pruning do, cut in one go.

    The counts per pool, and per variable where the allocation fixes them, are those that
    `prune_round` comes to from full masks.

    Args:
        masks: what may be kept; `{}` or `full_masks(infos)` for all of it.
        round: the round whose counts are met; 0 prunes nothing.

    For the other arguments and the errors see `prune_round`.
    """
    layout = layout_of(config.pattern, infos)
    masks = complete_masks(masks, infos)
    groups = layout.fold(masks)
    quotas: list[Quota] = []
    for pool in make_pools(layout.infos, config.rate, config.rates):
        quotas += quotas_to_round(layout, pool, _surviving(pool, groups), config, round)
    known = {"final": weights, "initial": initial}
    return _prune(layout, masks, quotas, config.criterion, known, derive, seed)


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
    """Returns masks with floor(sparsity × prunable) weights pruned in all, or groups of weights.

    Args:
        sparsity: fraction removed of the prunable weights, those pruned already included. A
            mapping has a sparsity for each key that `rates` may have; the rest stays as it is.
        rates: other sparsities by group or path pattern; each then holds for its own pool.
        pattern: which weights are pruned together.

    For the other arguments see `prune_round`.

    Raises:
        LotteryError: as `prune_round`, and where the masks are sparser already.

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
        prune = _still_to_prune(layout, pool, sum(surviving))
        quotas += quotas_of(layout, pool, surviving, prune, scope, min_per_layer)
    known = {"final": weights, "initial": initial}
    return _prune(layout, masks, quotas, criterion, known, derive, seed)


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
    """Returns masks that prune as few groups of weights as bring a cost down to a budget.

    Args:
        cost: from masks to what they cost; never more where more is pruned.
        budget: largest cost allowed.
        unit: of the cost, for the error.

    For the other arguments see `prune_to`.

    Raises:
        LotteryError: as `prune_round`, and where no masks of this pattern cost so little.
    """
    layout = layout_of(pattern, infos)
    masks = complete_masks(masks, infos)
    groups = layout.fold(masks)
    (pool,) = make_pools(layout.infos, 0.0)
    surviving = _surviving(pool, groups)
    known = {"final": weights, "initial": initial}
    if derive is not None and criteria[criterion].iterations == 1:
        derive = _once(derive)  # the masks at which it is taken are always the same

    def pruned(count: int) -> MaskSet:
        quotas = quotas_of(layout, pool, surviving, count, scope, min_per_layer)
        return _prune(layout, masks, quotas, criterion, known, derive, seed)

    few, many = 0, sum(surviving) - least_kept(layout, pool, surviving, min_per_layer)
    best = pruned(many)
    if cost(best) > budget:
        raise LotteryError(
            f"Expected a target of at least {cost(best):,.0f} {unit}, to which the network can be "
            f"pruned ({layout.floor}). Received: {budget:,.0f}. Prune less, or exclude less."
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
    return _prune(layout, masks, quotas, config.criterion, known, derive, seed)


def kept_after(infos: Sequence[VariableInfo], config: PruneConfig, round: int) -> int:
    """Returns the number of prunable weights or groups that `round` rounds of pruning keep."""
    layout = layout_of(config.pattern, infos)
    pools = make_pools(layout.infos, config.rate, config.rates)
    return sum(kept_at(layout, pool, config, round)[0] for pool in pools)


def still_to_prune(
    masks: MaskSet,
    infos: Sequence[VariableInfo],
    sparsity: float | Mapping[str, float],
    pattern: str = "weights",
) -> int:
    """Returns how many more weights or groups `prune_to` would prune; negative: too sparse."""
    layout = layout_of(pattern, infos)
    groups = layout.fold(complete_masks(masks, infos))
    pools = _pools(layout, sparsity, None)
    return sum(count(p.rate, p.size) - p.size + sum(_surviving(p, groups)) for p in pools)


def _pools(
    layout: Layout, sparsity: float | Mapping[str, float], rates: Mapping[str, float] | None
) -> list[Pool]:
    if not isinstance(sparsity, Mapping):
        return make_pools(layout.infos, sparsity, rates)
    return [pool for pool in make_pools(layout.infos, 0.0, sparsity, "sparsity") if pool.name]


def _still_to_prune(layout: Layout, pool: Pool, surviving: int) -> int:
    if not 0 <= pool.rate <= 1:
        raise LotteryError(
            f"Expected a sparsity between 0 and 1, the fraction removed. "
            f"Received: {pool.rate}. For 90 % removed give 0.9."
        )
    prune = count(pool.rate, pool.size) - (pool.size - surviving)
    if prune < 0:
        raise LotteryError(
            f"Expected a sparsity of at least {(pool.size - surviving) / pool.size}, which the "
            f"{pool} have already. Received: {pool.rate}. Pruned {layout.noun} do not come back; "
            "strip the model and mask it anew to start over."
        )
    return prune


def _prune(
    layout: Layout,
    masks: MaskSet,
    quotas: Sequence[Quota],
    criterion: str,
    known: Mapping[str, Weights | None],
    derive: Derive | None,
    seed: int,
) -> MaskSet:
    """Cuts the quotas one after the other; variables that lose nothing are not even scored."""
    chosen = criteria[criterion]  # a wrong name is an error also where nothing is pruned
    if chosen.only and not layout.needs_channels:
        raise LotteryError(
            f"Expected pattern='channels' with the criterion {criterion!r}, which scores whole "
            f"channels. Received: a pattern of {layout.noun}. Change one of the two."
        )
    quotas = [quota for quota in quotas if quota.prune]
    first = layout.fold(masks)
    groups, pruned = dict(first), masks
    for iteration in range(1, chosen.iterations + 1):
        parts = [part(quota, first, groups, iteration / chosen.iterations) for quota in quotas]
        if not any(quota.prune for quota in parts):
            continue
        found = {name: derive(name, pruned) for name in chosen.derived} if derive else {}
        score_of = _scorer(criterion, pruned, {**known, **found}, seed, layout.shares_weights)
        for quota in parts:
            scores = layout.scores(quota.paths, score_of, pruned, chosen)
            groups |= cut_quota(quota, scores, groups, layout.candidates(scores, groups))
        pruned = layout.unfold(groups, masks)
    return {p: m.copy() if m is masks[p] else m for p, m in sorted(pruned.items())}


def _scorer(
    criterion: str,
    masks: MaskSet,
    given: Mapping[str, Weights | None],
    seed: int,
    remembers: bool,
) -> Callable[[str], Score]:
    def score_of(path: str) -> Score:
        return score_variable(criterion, path, masks[path], given, seed)

    return cache(score_of) if remembers else score_of


def _once(derive: Derive) -> Derive:
    values: dict[str, Weights] = {}

    def remembered(name: str, masks: MaskSet) -> Weights:
        if name not in values:
            values[name] = derive(name, masks)
        return values[name]

    return remembered


def _surviving(pool: Pool, groups: MaskSet) -> list[int]:
    return [kept({path: groups[path]}) for path in pool.paths]
