"""Pruning: from weights and masks to smaller masks, in exact counts."""

from collections.abc import Callable, Mapping, Sequence

from keras_lottery.config import PruneConfig
from keras_lottery.errors import LotteryError
from keras_lottery.pruning.counts import count
from keras_lottery.pruning.criteria import criteria, score_variable
from keras_lottery.pruning.masks import complete_masks, kept
from keras_lottery.pruning.pools import Pool, make_pools
from keras_lottery.pruning.quota import (
    Quota,
    cut_quota,
    kept_at,
    part,
    quotas_of,
    quotas_to_round,
)
from keras_lottery.pruning.schedules import schedule_of
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
    schedule = schedule_of(config)
    masks = complete_masks(masks, infos)
    quotas: list[Quota] = []
    for pool in make_pools(infos, config.rate, config.rates):
        surviving = _surviving(pool, masks)
        prune = schedule(pool.rate, round, pool.size, sum(surviving))
        quotas += quotas_of(pool, surviving, prune, config.scope, config.min_per_layer)
    known = {"final": weights, "initial": initial}
    return _prune(masks, quotas, config.criterion, known, derive, seed)


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
    masks = complete_masks(masks, infos)
    quotas: list[Quota] = []
    for pool in make_pools(infos, config.rate, config.rates):
        quotas += quotas_to_round(pool, _surviving(pool, masks), config, round)
    known = {"final": weights, "initial": initial}
    return _prune(masks, quotas, config.criterion, known, derive, seed)


def prune_to(
    weights: Weights,
    masks: MaskSet,
    infos: Sequence[VariableInfo],
    sparsity: float,
    *,
    criterion: str = "magnitude",
    scope: str = "global",
    derive: Derive | None = None,
    initial: Weights | None = None,
    seed: int = 0,
    min_per_layer: int = 1,
    rates: Mapping[str, float] | None = None,
) -> MaskSet:
    """Returns masks with floor(sparsity × prunable) weights pruned in all.

    Args:
        sparsity: fraction removed of the prunable weights, those pruned already included.
        rates: other sparsities by group or path pattern; each then holds for its own pool.

    For the other arguments see `prune_round`.

    Raises:
        LotteryError: as `prune_round`, and where the masks are sparser already.

    Example:
        >>> infos = [VariableInfo("kernel", (5,))]
        >>> prune_to({"kernel": np.arange(5.0)}, {}, infos, 0.4)["kernel"]
        array([False, False,  True,  True,  True])
    """
    masks = complete_masks(masks, infos)
    quotas: list[Quota] = []
    for pool in make_pools(infos, sparsity, rates):
        surviving = _surviving(pool, masks)
        prune = _still_to_prune(pool, sum(surviving))
        quotas += quotas_of(pool, surviving, prune, scope, min_per_layer)
    known = {"final": weights, "initial": initial}
    return _prune(masks, quotas, criterion, known, derive, seed)


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
    """Returns masks that keep exactly `keep` prunable weights in all, whatever the rates.

    For the other arguments and the errors see `prune_round`.
    """
    masks = complete_masks(masks, infos)
    (pool,) = make_pools(infos, config.rate)
    surviving = _surviving(pool, masks)
    prune = sum(surviving) - keep
    quotas = quotas_of(pool, surviving, prune, config.scope, config.min_per_layer)
    known = {"final": weights, "initial": initial}
    return _prune(masks, quotas, config.criterion, known, derive, seed)


def kept_after(infos: Sequence[VariableInfo], config: PruneConfig, round: int) -> int:
    """Returns the number of prunable weights that `round` rounds of pruning keep."""
    pools = make_pools(infos, config.rate, config.rates)
    return sum(kept_at(pool, config, round)[0] for pool in pools)


def _still_to_prune(pool: Pool, surviving: int) -> int:
    if not 0 <= pool.rate <= 1:
        raise LotteryError(
            f"Expected a sparsity between 0 and 1, the fraction removed. "
            f"Received: {pool.rate}. For 90 % removed give 0.9."
        )
    prune = count(pool.rate, pool.size) - (pool.size - surviving)
    if prune < 0:
        raise LotteryError(
            f"Expected a sparsity of at least {(pool.size - surviving) / pool.size}, which the "
            f"{pool} have already. Received: {pool.rate}. Pruned weights do not come back; strip "
            "the model and mask it anew to start over."
        )
    return prune


def _prune(
    masks: MaskSet,
    quotas: Sequence[Quota],
    criterion: str,
    known: Mapping[str, Weights | None],
    derive: Derive | None,
    seed: int,
) -> MaskSet:
    """Cuts the quotas one after the other; variables that lose nothing are not even scored."""
    chosen = criteria[criterion]  # a wrong name is an error also where nothing is pruned
    quotas = [quota for quota in quotas if quota.prune]
    pruned = dict(masks)
    for iteration in range(1, chosen.iterations + 1):
        parts = [part(quota, masks, pruned, iteration / chosen.iterations) for quota in quotas]
        if not any(quota.prune for quota in parts):
            continue
        found = {name: derive(name, pruned) for name in chosen.derived} if derive else {}
        for quota in parts:
            given = {**known, **found}
            scores = {p: score_variable(criterion, p, pruned[p], given, seed) for p in quota.paths}
            pruned |= cut_quota(quota, scores, pruned)
    return {p: m.copy() if m is masks[p] else m for p, m in sorted(pruned.items())}


def _surviving(pool: Pool, masks: MaskSet) -> list[int]:
    return [kept({path: masks[path]}) for path in pool.paths]
