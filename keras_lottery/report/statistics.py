"""Means over seeds, paired differences between arms, and comparisons with dense.

The seed is the unit: draws of a control, and then levels if there are several, are averaged within
each seed before the spread between seeds is computed.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special  # type: ignore[import-untyped]

from keras_lottery import records
from keras_lottery.records import ResultRow, series
from keras_lottery.report.results import DENSE

CONFIDENCE = 0.95
_RESAMPLES = 10_000
_BOOTSTRAP_SEEDS = 8
"""With fewer seeds the bootstrap is too narrow: a 95 % interval covers 75 % at three seeds."""


@dataclass(frozen=True)
class Level:
    """One arm at one round.

    Args:
        remaining: fraction of the prunable weights kept, mean over seeds and draws.
        kept: weights kept, the same mean.
        flops: floating-point operations of one example's forward pass, the same mean.
        mean: mean over seeds.
        sd: standard deviation between seeds (n - 1); nan for one seed.
        low: smallest value of a seed.
        high: largest value of a seed.
        n: number of seeds.
        trainings: number of finished trainings, including all draws.
        seeds: mean over draws of each seed, in the order of the seeds.
    """

    arm: str
    round: int
    remaining: float
    kept: float
    flops: float
    mean: float
    sd: float
    low: float
    high: float
    n: int
    trainings: int
    seeds: tuple[float, ...] = ()


@dataclass(frozen=True)
class Paired:
    """The difference `arm - control`, paired by seed.

    Args:
        rounds: the rounds averaged within each seed.
        mean: mean of the seeds' differences.
        low: lower end of the 95 % t interval; nan for one seed.
        high: its upper end.
        boot_low: lower end of the 95 % BCa bootstrap interval; nan below 8 seeds.
        boot_high: its upper end.
        n: seeds.
        seeds: difference of each seed.
    """

    arm: str
    control: str
    rounds: tuple[int, ...]
    mean: float
    low: float
    high: float
    boot_low: float
    boot_high: float
    n: int
    seeds: dict[int, float]

    @property
    def contains_zero(self) -> bool:
        """True if the t interval contains 0; False if there is no interval."""
        return self.low <= 0 <= self.high

    @property
    def excludes_zero(self) -> bool:
        """True if the t interval excludes 0; False if there is no interval."""
        return self.low > 0 or self.high < 0


def levels(rows: Sequence[ResultRow], arm: str, field: str = "value") -> list[Level]:
    """Returns the arm's rounds in order, with mean and spread of the column `field`."""
    sizes = ["remaining", "kept", "flops"]
    table = _frame(rows, arm, *sizes, field)
    means = table.groupby("round")[sizes].mean().assign(trainings=table.groupby("round").size())
    by_seed = table.groupby(["round", "seed"])[field].mean(skipna=False).astype(float)
    by_round = []
    for level in means.itertuples():
        seeds = by_seed[level.Index].to_numpy()
        by_round.append(
            Level(
                arm=arm,
                round=level.Index,
                remaining=level.remaining,
                kept=level.kept,
                flops=level.flops,
                mean=float(seeds.mean()),
                sd=float(seeds.std(ddof=1)) if len(seeds) > 1 else float("nan"),
                low=float(seeds.min()),
                high=float(seeds.max()),
                n=len(seeds),
                trainings=level.trainings,
                seeds=tuple(seeds.tolist()),
            )
        )
    return by_round


def _frame(rows: Sequence[ResultRow], arm: str, *fields: str) -> pd.DataFrame:
    """Returns round, seed and the columns `fields` of an arm's rows."""
    of_arm = [row for row in rows if series(row) == arm]
    names = dict.fromkeys(("round", "seed", *fields))
    return pd.DataFrame({name: [getattr(row, name) for row in of_arm] for name in names})


def is_bimodal(values: Sequence[float] | np.ndarray) -> bool:
    """Returns True if the values form two groups, so that a mean describes neither.

    The largest gap between neighbours is more than half of the range, with at least two values on
    either side. (Sarle's bimodality coefficient needs some twenty values.)
    """
    ordered = np.sort(values)
    gaps = np.diff(ordered)
    if len(gaps) < 3:
        return False
    place = int(gaps.argmax())
    return bool(gaps[place] > gaps.sum() / 2 and 1 <= place <= len(gaps) - 2)


def seed_range(rows: Sequence[ResultRow]) -> str:
    """Returns the number of seeds behind the means: `5 seeds`, unfinished `3 to 5 seeds`."""
    keys = pd.DataFrame([(series(row), row.round, row.seed) for row in rows])
    numbers = keys.groupby([0, 1])[2].nunique()
    return seed_counts(numbers)


def seed_counts(numbers: Collection[int]) -> str:
    """Returns the smallest and largest number of seeds as text: `1 seed`, `3 to 5 seeds`."""
    low, high = min(numbers), max(numbers)
    return f"{low} seed{'s' * (low > 1)}" if low == high else f"{low} to {high} seeds"


def dense_level(rows: Sequence[ResultRow], field: str = "value") -> Level | None:
    """Returns the dense network's level; None before one is trained."""
    return next(iter(levels(rows, DENSE, field)), None)


def remaining_by_round(rows: Sequence[ResultRow]) -> dict[int, float]:
    """Returns the mean fraction of weights remaining of every pruned round."""
    pruned = [row for row in rows if row.arm != DENSE]
    left = pd.Series([row.remaining for row in pruned], [row.round for row in pruned], float)
    return left.groupby(level=0).mean().to_dict()


def rounds_at_most(rows: Sequence[ResultRow], remaining: float) -> tuple[int, ...]:
    """Returns the rounds with at most `remaining` of the weights left, to a tenth of a percent."""
    by_round = remaining_by_round(rows)
    return tuple(number for number, left in by_round.items() if round(left, 3) <= remaining)


def paired(
    rows: Sequence[ResultRow],
    arm: str,
    control: str,
    rounds: Collection[int] | None = None,
    field: str = "value",
) -> Paired | None:
    """Returns the paired difference between two arms, averaged over `rounds` within each seed.

    d_s = mean over rounds r of (arm_{s,r} - control_{s,r}); the interval is
    mean(d) ± t_{0.975, n-1} · sd(d) / √n over the n seeds s that have both arms at all of these
    rounds: others would mix levels. `dense` is compared by its round 0.

    Args:
        rows: rows of one task.
        arm: minuend.
        control: subtrahend.
        rounds: rounds to average over; None: all that both arms have.
        field: column to compare.

    Returns:
        The difference, or None if no seed has both arms at all of the rounds.
    """
    found = _pairs(rows, arm, control, rounds, field)
    by_seed = mean_differences(found)
    if by_seed.empty:
        return None
    values = by_seed.to_numpy(float)
    t, boot = t_interval(values), bootstrap_interval(values)
    used = tuple(sorted(set(found["round"])))
    mean = float(values.mean())
    return Paired(arm, control, used, mean, *t, *boot, len(values), by_seed.to_dict())


def _pairs(
    rows: Sequence[ResultRow], arm: str, control: str, rounds: Collection[int] | None, field: str
) -> pd.DataFrame:
    ours, others = (
        _frame(rows, name, field).rename(columns={field: "value"}) for name in (arm, control)
    )
    if rounds is not None:
        ours = ours[ours["round"].isin(rounds)]
    return pairs(ours, others, control == DENSE)


def pairs(ours: pd.DataFrame, others: pd.DataFrame, against_dense: bool) -> pd.DataFrame:
    """Returns `round`, `seed` and the two means over draws, `arm` and `control`, of each pair.

    Args:
        ours: `round`, `seed` and `value` of an arm's trainings.
        others: those of the control.
        against_dense: the control is the dense network, whose round 0 is compared at every round.
    """
    keys = ["round", "seed"]
    arm, control = (
        of.groupby(keys)["value"].mean(skipna=False).rename(column).reset_index()
        for of, column in ((ours, "arm"), (others, "control"))
    )
    if against_dense:
        control, keys = control[control["round"] == 0].drop(columns="round"), ["seed"]
    return arm.merge(control, on=keys)


def mean_differences(found: pd.DataFrame) -> "pd.Series[float]":
    """Returns the mean of arm − control over the rounds, by seed, of what `pairs` returns.

    Seeds that lack one of the rounds are left out: they would mix levels.
    """
    every = found["round"].nunique()
    found = found[found.groupby("seed")["round"].transform("nunique") == every]
    return (found["arm"] - found["control"]).groupby(found["seed"]).mean(skipna=False)


def t_interval(values: np.ndarray) -> tuple[float, float]:
    """Returns the 95 % t interval of the mean of `values`; nan for fewer than two."""
    if len(values) < 2:
        return float("nan"), float("nan")
    mean, error = values.mean(), values.std(ddof=1) / np.sqrt(len(values))
    half = special.stdtrit(len(values) - 1, (1 + CONFIDENCE) / 2) * error
    return float(mean - half), float(mean + half)


def bootstrap_interval(values: np.ndarray) -> tuple[float, float]:
    """Returns the 95 % BCa bootstrap interval of the mean, with a fixed seed.

    It is nan for fewer than 8 values.

    Reference: Efron 1987, "Better bootstrap confidence intervals".
    """
    if len(values) < _BOOTSTRAP_SEEDS:
        return float("nan"), float("nan")
    if np.ptp(values) == 0:
        return float(values[0]), float(values[0])
    from scipy import stats  # takes as long to import as all the rest of the report

    interval = stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=_RESAMPLES,
        confidence_level=CONFIDENCE,
        method="BCa",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return float(interval.low), float(interval.high)


def sparsest_match(rows: Sequence[ResultRow], arm: str, higher_is_better: bool) -> Level | None:
    """Returns the arm's sparsest level whose mean is within one standard deviation of dense.

    Means better than dense count, too. None if there is no such level, or if fewer than two dense
    networks leave the standard deviation unknown.
    """
    dense = dense_level(rows)
    by_round = {level.round: level for level in levels(rows, arm)}
    means = {number: (level.remaining, level.mean) for number, level in by_round.items()}
    number = records.sparsest_match(dense.seeds if dense else (), means, higher_is_better)
    return None if number is None else by_round[number]


def has_ratios(rows: Sequence[ResultRow]) -> bool:
    """Returns whether values can be divided by those of dense: none is negative, dense above 0."""
    dense = dense_level(rows)
    return dense is not None and dense.mean > 0 and min(row.value for row in rows) >= 0


def ratio_to_dense(rows: Sequence[ResultRow], arm: str, number: int) -> float:
    """Returns mean value of `arm` at a round ÷ mean value of dense, over seeds that have both.

    It is NaN if there are none, or if a ratio is meaningless.
    """
    found = _pairs(rows, arm, DENSE, {number}, "value")
    below = float(found["control"].sum())
    meaningful = has_ratios(rows) and below > 0
    return float(found["arm"].sum()) / below if meaningful else float("nan")


def nearest_level(rows: Sequence[ResultRow], arm: str, sparsity: float) -> Level | None:
    """Returns the arm's level nearest to `sparsity`; None if it is more than 0.1 away."""
    candidates = levels(rows, arm)
    best = min(candidates, key=lambda lv: abs(1 - lv.remaining - sparsity), default=None)
    return best if best and abs(1 - best.remaining - sparsity) <= 0.1 else None
