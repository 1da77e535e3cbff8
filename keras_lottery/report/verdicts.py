"""The verdict of an experiment on a declared claim: effect, interval, p, power."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special  # type: ignore[import-untyped]

from keras_lottery.config.claims import Claim
from keras_lottery.report.statistics import mean_differences, pairs, t_interval

AGREES = "agrees"
DISAGREES = "disagrees"
NOT_SHOWN = "not shown"
NOT_COMPARABLE = "not comparable"

_EXACT_SEEDS = 20
_DRAWS = 2**16
_MOST_SEEDS = 1_000
_POWER = 0.8
_ALPHA = 0.05


@dataclass(frozen=True)
class Measurement:
    """One trained network's value for a claim.

    Args:
        arm: name of its line, e.g. `winning` or `winning from mnist`.
        round: pruning round; 0 for the dense network.
        remaining: fraction of the prunable weights remaining.
        seed: the seed.
        value: the value to compare.
    """

    arm: str
    round: int
    remaining: float
    seed: int
    value: float


@dataclass(frozen=True)
class Verdict:
    """A claim and its measured effect.

    Args:
        claim: the claim.
        post_hoc: the claim was added after trainings that it reads were finished.
        level: fraction remaining, if the claim is judged level by level.
        mean: mean paired difference `arm - control` (sign not adjusted for the metric's direction).
        low: lower end of its 95 % t interval; NaN for fewer than two seeds.
        high: its upper end.
        n: seeds.
        p: one-sided sign-flip p of the claim's direction (see `sign_flip_p`); NaN if a seed has no
            finite difference.
        adjusted_p: p after Holm's correction over the paper's comparisons; NaN below five seeds.
        effect: mean ÷ standard deviation of the seeds' differences.
        needed: seeds needed to show this effect with 80 % power; None if there is no such number.
        verdict: `agrees`, `disagrees`, `not shown` or `not comparable`.
        seeds: the differences, by seed.
        at_ceiling: the claim is that an arm is better, and its control is within the margin of the
            dense network or better than it, so that there is little to gain.
    """

    claim: Claim
    post_hoc: bool = False
    level: float | None = None
    mean: float = math.nan
    low: float = math.nan
    high: float = math.nan
    n: int = 0
    p: float = math.nan
    adjusted_p: float = math.nan
    effect: float = math.nan
    needed: int | None = None
    verdict: str = NOT_SHOWN
    seeds: tuple[tuple[int, float], ...] = ()
    at_ceiling: bool = False

    @property
    def can_be_significant(self) -> bool:
        """True if p exists and n seeds could give one of 0.05 or less."""
        return not math.isnan(self.p) and 0.5**self.n <= _ALPHA


def judge(
    claim: Claim,
    measured: Sequence[Measurement],
    higher_is_better: bool,
    post_hoc: bool = False,
) -> list[Verdict]:
    """Returns the verdict on a claim, or one per level if it is judged level by level.

    Args:
        claim: the claim.
        measured: all finished trainings; draws of one seed are averaged.
        higher_is_better: direction of the compared column.
        post_hoc: the claim was declared after the rows existed.
    """
    levels, found = _compared(claim, measured)
    dense = {m.seed: m.value for m in measured if m.arm == "dense"}
    parts: list[tuple[float | None, pd.DataFrame]] = [(None, found)]
    if claim.by_level:
        numbers = sorted(set(found["round"]), key=lambda number: -levels[number])
        parts = [(levels[number], found[found["round"] == number]) for number in numbers]
    verdicts = []
    for level, part in parts:
        if len(by_seed := mean_differences(part)):
            verdict = _judged(claim, by_seed, higher_is_better, post_hoc)
            at_ceiling = _is_at_ceiling(claim, part, dense, higher_is_better)
            verdicts.append(replace(verdict, level=level, at_ceiling=at_ceiling))
    empty = Verdict(claim, post_hoc, verdict=NOT_COMPARABLE if claim.not_comparable else NOT_SHOWN)
    return verdicts or [empty]


def adjust(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Returns the verdicts with Holm's correction of p over all comparisons of each paper.

    Holm 1979: with the m p-values in rising order, adjusted p_(i) is the largest of
    (m - j + 1) · p_(j) over j ≤ i, at most 1. Comparisons without p are skipped, and so are those
    of fewer than five seeds: p is at least 1/2^n, so no data could make it significant (Tarone
    1990, "A modified Bonferroni method for discrete data").
    """
    by_paper: dict[str, list[int]] = defaultdict(list)
    for index, verdict in enumerate(verdicts):
        if verdict.can_be_significant:
            by_paper[verdict.claim.paper].append(index)
    corrected = list(verdicts)
    for indices in by_paper.values():
        for index, p in zip(indices, holm([verdicts[i].p for i in indices])):
            corrected[index] = replace(corrected[index], adjusted_p=p)
    return corrected


def holm(values: Sequence[float]) -> list[float]:
    """Returns p-values after Holm's step-down correction, in their original order."""
    adjusted = [0.0] * len(values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(values)), key=lambda i: values[i])):
        highest = max(highest, min(1.0, (len(values) - rank) * values[index]))
        adjusted[index] = highest
    return adjusted


def sign_flip_p(differences: Iterable[float]) -> float:
    """Returns the one-sided p of `mean > 0` when every sign is equally likely.

    p is the fraction of the 2^n sign assignments whose mean is at least the one observed, so it
    is never below 1/2^n: three seeds cannot give less than 0.125. Above 20 differences it is
    estimated from the observed assignment and 2^16 random ones.
    """
    values = np.array(list(differences), dtype=float)
    if not len(values):
        return math.nan
    if len(values) <= _EXACT_SEEDS:
        signs = np.array(list(product((1.0, -1.0), repeat=len(values))))
    else:
        signs = np.random.default_rng(0).choice((1.0, -1.0), (_DRAWS + 1, len(values)))
        signs[0] = 1.0
    means = signs @ values
    slack = 1e-12 * np.abs(values).sum()  # equal sums in another order differ in the last bits
    return float(np.mean(means >= values.sum() - slack))


def seeds_needed(effect: float) -> int | None:
    """Returns the seeds that a two-sided paired t test at 5 % needs for 80 % power.

    Args:
        effect: mean ÷ standard deviation of the paired differences.

    Returns:
        The smallest such number, or None if 1,000 seeds are too few.
    """
    if not math.isfinite(effect):
        return 2 if math.isinf(effect) else None
    n = np.arange(2, _MOST_SEEDS + 1)
    critical = special.stdtrit(n - 1, 1 - _ALPHA / 2)
    power = 1 - special.nctdtr(n - 1, abs(effect) * np.sqrt(n), critical)
    # SciPy's noncentral t is nan for very large effects, where the power is 1.
    enough = n[np.nan_to_num(power, nan=1.0) >= _POWER]
    return int(enough[0]) if len(enough) else None


def verdict_of(claim: Claim, low: float, mean: float, high: float) -> str:
    """Returns the verdict for a difference whose positive direction is better; see `Claim`."""
    if claim.not_comparable:
        return NOT_COMPARABLE
    if math.isnan(low):
        return NOT_SHOWN
    margin, expect = claim.margin, claim.expect
    if expect == "worse":
        low, mean, high, expect = -high, -mean, -low, "better"
    agrees, disagrees = {
        "better": (low > 0 and mean >= margin, high < margin or high <= 0),
        "not_worse": (low > -margin, high < -margin),
        "equal": (-margin < low and high < margin, high < -margin or low > margin),
    }[expect]
    return AGREES if agrees else DISAGREES if disagrees else NOT_SHOWN


def _judged(
    claim: Claim, by_seed: "pd.Series[float]", higher_is_better: bool, post_hoc: bool
) -> Verdict:
    seeds = tuple(sorted(by_seed.to_dict().items()))
    values = np.array([value for _, value in seeds])
    sign = 1.0 if higher_is_better else -1.0
    mean, (low, high) = float(values.mean()), t_interval(values)
    sd = float(values.std(ddof=1)) if len(values) > 1 else math.nan
    effect = mean / sd if sd else math.copysign(math.inf, mean) if mean else math.nan
    ends = (low, mean, high) if sign > 0 else (-high, -mean, -low)
    return Verdict(
        claim=claim,
        post_hoc=post_hoc,
        mean=mean,
        low=low,
        high=high,
        n=len(values),
        p=_p(claim, sign * values),
        effect=effect,
        needed=None if claim.expect in ("equal", "not_worse") else seeds_needed(effect),
        verdict=verdict_of(claim, *ends),
        seeds=seeds,
    )


def _is_at_ceiling(
    claim: Claim, found: pd.DataFrame, dense: Mapping[int, float], higher_is_better: bool
) -> bool:
    if claim.expect != "better" or claim.control in ("", "dense"):
        return False
    above = float((found["control"] - found["seed"].map(dense)).mean())
    return (above if higher_is_better else -above) >= -claim.margin


def _p(claim: Claim, better: NDArray[np.float64]) -> float:
    """Returns the p of the claim; for equality, the larger of two one-sided p."""
    if claim.not_comparable or len(better) < 2 or not np.isfinite(better).all():
        return math.nan
    if claim.expect == "better":
        return sign_flip_p(better)
    if claim.expect == "worse":
        return sign_flip_p(-better)
    not_worse = sign_flip_p(better + claim.margin)
    if claim.expect == "not_worse":
        return not_worse
    return max(not_worse, sign_flip_p(claim.margin - better))


def _compared(
    claim: Claim, measured: Sequence[Measurement]
) -> tuple[dict[int, float], pd.DataFrame]:
    """Returns the arm's mean fraction remaining by round, and the pairs at the claim's levels."""
    table = pd.DataFrame(measured, columns=[field.name for field in fields(Measurement)])
    ours = table[table["arm"] == claim.arm]
    levels = ours.groupby("round")["remaining"].mean().to_dict()
    lowest, highest = claim.remaining
    compared = [number for number in levels if lowest <= round(levels[number], 3) <= highest]
    ours = ours[ours["round"].isin(compared)]
    others = table[table["arm"] == claim.control]
    if not claim.control:
        others = ours.assign(value=claim.value or 0.0)
    return levels, pairs(ours, others, claim.control == "dense")
