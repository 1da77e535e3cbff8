"""The sentences of a report, computed from the rows."""

import math
from collections.abc import Collection, Sequence

from keras_lottery.arms import LEARNED
from keras_lottery.records import ResultRow, series
from keras_lottery.report.formatting import Unit, number, percent, rounds_text, unit_of
from keras_lottery.report.results import DENSE, WINNING, Results
from keras_lottery.report.statistics import (
    Level,
    Paired,
    dense_level,
    has_ratios,
    levels,
    nearest_level,
    paired,
    ratio_to_dense,
    remaining_by_round,
    rounds_at_most,
    sparsest_match,
)

ABLATIONS = {"one_shot": "iterative pruning", "winning_init": "late rewinding"}
"""Arms without one part of the method, and that part."""

RANDOM = "permuted_global"
"""The random tickets of Yu et al. 2019 (1906.02768)."""


def sparse_range(results: Results) -> tuple[tuple[int, ...], str]:
    """Returns the rounds that the headline compares, and their description."""
    rows = [row for row in results.rows if results.main in (None, series(row))]
    rounds = rounds_at_most(rows, results.sparse)
    if rounds:
        return rounds, f"at ≤ {results.sparse * 100:g} % of the weights remaining"
    left = remaining_by_round(rows)
    if not left:
        return (), ""
    last = min(left, key=lambda number: left[number])
    return (last,), f"at {percent(left[last])} of the weights remaining, the sparsest level so far"


def headline(results: Results) -> list[str]:
    """Returns the sentences that compare the arms, or one on why they can't be compared."""
    dense = dense_level(results.rows)
    if not results.arms:
        value = f"{unit_of(results.rows).spread(dense.mean, dense.sd)}" if dense else "nothing"
        seeds = _seeds(dense.n) if dense else "no seed"
        unit = unit_of(results.rows).spoken if dense else results.metric
        if results.dense_only:
            return [f"Only the dense network is trained: {unit} {value} over {seeds}."]
        return [
            f"Only the dense network has been trained so far: {unit} {value} over {seeds}. There "
            "is no ticket to compare yet."
        ]
    learned = _against_dense(results, [arm for arm in results.arms if arm in LEARNED])
    if results.main is None:
        return learned or [
            f"No `{WINNING}` network has finished yet, so the other arms "
            f"({', '.join(f'`{arm}`' for arm in results.arms)}) can't be compared with it."
        ]
    return [*comparisons(results, results.controls), *_match(results), *learned]


def _against_dense(results: Results, arms: Sequence[str]) -> list[str]:
    """Returns a sentence per arm on its difference to dense at its best level, best arms first."""
    unit, sign = unit_of(results.rows), 1 if results.higher_is_better else -1
    sentences = []
    tops = [max(levels(results.rows, a), key=lambda level: sign * level.mean) for a in arms]
    for best in sorted(tops, key=lambda level: -sign * level.mean):
        difference = paired(results.rows, best.arm, DENSE, {best.round})
        if difference:
            where = f"at {percent(best.remaining)} of the weights remaining"
            mean = f"Its mean is {unit.spread(best.mean, best.sd)}{unit.symbol}."
            text = comparison(difference, where, unit, results.higher_is_better)
            sentences.append(f"{text} {mean}")
    return sentences


def comparisons(
    results: Results, controls: Sequence[str], arm: str = WINNING, field: str = "value"
) -> list[str]:
    """Returns one sentence per control on the paired difference to it at the sparse end."""
    rounds, where = sparse_range(results)
    unit = unit_of(results.rows)
    sentences = []
    for control in controls:
        difference = paired(results.rows, arm, control, rounds, field)
        if difference:
            sentences.append(comparison(difference, where, unit, results.higher_is_better))
    return sentences


def measured_otherwise(results: Results) -> tuple[str, list[str]]:
    """Returns the other moment of measurement, and sentences on the differences there.

    Values are measured at the end of a training or at the minimum of its validation loss, as the
    config says. There are no sentences if both are always equal.
    """
    best = results.config.get("train", {}).get("value") == "best"
    field = "final_value" if best else "best_value"
    moment = "At the end of the training" if best else "At the minimum of the validation loss"
    if results.main is None or all(getattr(row, field) == row.value for row in results.rows):
        return moment, []
    return moment, comparisons(results, results.controls, field=field)


def ablations(results: Results) -> list[str]:
    """Returns sentences on which part of the method gains more, and on random tickets."""
    rounds, where = sparse_range(results)
    if not {WINNING, *ABLATIONS} <= set(results.arms):
        return []
    sentences = []
    without, other = ABLATIONS
    difference = paired(results.rows, other, without, rounds)
    if difference:
        unit, better = unit_of(results.rows), results.higher_is_better == (difference.mean > 0)
        (lost, more), (_, less) = list(ABLATIONS.items())[:: 1 if better else -1]
        gain = paired(results.rows, WINNING, lost, rounds)
        helps = gain and results.higher_is_better == (gain.mean > 0) and gain.excludes_zero
        text = comparison(difference, where, unit, results.higher_is_better)
        if not difference.excludes_zero:
            verdict = f"it's unclear whether {more} or {less} matters more"
        elif helps:
            verdict = f"{more} helps more than {less}"
        else:
            verdict = f"without {less}, the value is better than without {more}"
        sentences.append(f"{verdict[0].upper()}{verdict[1:]}. {text}")
    if RANDOM in results.arms:
        sentences += [text for arm in ABLATIONS for text in comparisons(results, [RANDOM], arm)]
    return sentences


def comparison(difference: Paired, where: str, unit: Unit, higher_is_better: bool) -> str:
    """Returns a sentence on a paired difference: mean, intervals, n."""
    if not math.isfinite(difference.mean):
        return (
            f"{where[0].upper()}{where[1:]}, `{difference.arm}` and `{difference.control}` cannot "
            f"be compared: some values of {unit.name} are not finite."
        )
    compared = compared_with(difference, f"`{difference.control}`", unit, higher_is_better)
    text = (
        f"{where[0].upper()}{where[1:]}, `{difference.arm}` {compared}, "
        f"{rounds_text(difference.rounds)})."
    )
    return text + contains_zero(difference)


def compared_with(difference: Paired, control: str, unit: Unit, higher_is_better: bool) -> str:
    """Returns `is 1.20 points more accurate than X (mean paired difference; …`, or `equals X`."""
    name = unit.spoken + ("" if higher_is_better else " (lower is better)")
    size = unit.difference(abs(difference.mean)).lstrip("+")
    ends = interval(difference, unit)
    if not any(digit in size for digit in "123456789"):
        return f"equals {control} in {name} (mean paired difference {size}{unit.points}; {ends}"
    is_above = difference.mean > 0
    if unit.name == "accuracy" and unit.points:
        text = f"is {size}{unit.points} {'more' if is_above else 'less'} accurate than {control}"
    else:
        side = "higher" if is_above else "lower"
        text = f"has a {side} {name} than {control}, by {size}{unit.points}"
    return f"{text} (mean paired difference; {ends}"


def interval(difference: Paired, unit: Unit) -> str:
    """Returns the text of the t interval, the bootstrap interval if there is one, and n."""
    if difference.n < 2:
        return "n = 1 seed, so no interval"
    ends = (difference.low, difference.high, difference.boot_low, difference.boot_high)
    low, high, boot_low, boot_high = map(unit.difference, ends)
    boot = "" if math.isnan(difference.boot_low) else f", BCa bootstrap {boot_low} to {boot_high}"
    rough = ", too few to rely on the interval" if difference.n == 2 else ""
    return f"95 % t interval {low} to {high}{boot}; n = {difference.n} seeds{rough}"


def contains_zero(difference: Paired) -> str:
    """Returns a sentence if the interval contains 0, else an empty string."""
    return " The interval contains 0." if difference.contains_zero else ""


def relative_to_dense(rows: Sequence[ResultRow], arm: str, level: Level) -> str:
    """Returns value ÷ dense or, where a ratio is meaningless, the difference from dense."""
    ratio = ratio_to_dense(rows, arm, level.round)
    if math.isfinite(ratio):
        return number(ratio, 3)
    apart = paired(rows, arm, DENSE, {level.round})
    return f"{unit_of(rows).difference(apart.mean)} from dense" if apart else "–"


def _match(results: Results) -> list[str]:
    """Returns a sentence on the sparsest level that matches dense, and on value ÷ dense."""
    rows, unit = results.rows, unit_of(results.rows)
    dense = dense_level(rows)
    if dense is None:
        return ["No dense network is finished, so there is nothing to compare with."]
    ratios, divisible = list[str](), has_ratios(rows)
    sized = divisible and not unit.symbol
    for sparsity in (0.67, 0.90):
        level = nearest_level(rows, WINNING, sparsity)
        if level:
            apart = paired(rows, WINNING, DENSE, {level.round})
            size = f" ({unit.difference(apart.mean)})" if apart and sized else ""
            relative = _times_dense(rows, level)
            subject = "" if ratios else f"the value of `{WINNING}` is "
            ratios.append(f"at {percent(1 - level.remaining)} pruned, {subject}{relative}{size}")
    tail = f"A{'; '.join(ratios)[1:]}." if ratios else ""
    if dense.n < 2:
        unknown = (
            "With a single dense network there's no standard deviation, so matching can't be "
            "judged."
        )
        return [f"{unknown} {tail}".strip()]
    level = sparsest_match(rows, WINNING, results.higher_is_better)
    around = f"dense ({unit.spread(dense.mean, dense.sd)}{unit.symbol}, n = {_seeds(dense.n)})"
    if level is None:
        return [
            f"At no level is the mean of `{WINNING}` within one standard deviation of {around}. "
            f"{tail}".strip()
        ]
    subject = "value ÷ dense there" if divisible else "its value there"
    return [
        f"The sparsest level at which the mean of `{WINNING}` is within one standard deviation of "
        f"{around}, or better, has {percent(level.remaining)} of the weights remaining "
        f"(round {level.round}); {subject} is {relative_to_dense(rows, WINNING, level)}. "
        f"{tail}".strip()
    ]


def _times_dense(rows: Sequence[ResultRow], level: Level) -> str:
    times = " times dense" if math.isfinite(ratio_to_dense(rows, WINNING, level.round)) else ""
    return f"{relative_to_dense(rows, WINNING, level)}{times}"


def all_still_falling(results: Results) -> bool:
    """Returns whether every validation loss was smallest at its last evaluation.

    That is always so if there was only one.
    """
    length = max(row.steps for row in results.rows)
    return min(row.best_step for row in results.rows) >= length


def learning_speed(results: Results) -> list[str]:
    """Returns sentences on the step of the minimum validation loss."""
    if all_still_falling(results):
        return [
            "The validation loss of every network was smallest at its last evaluation, after the "
            "last step, so how fast they learn is not known."
        ]
    rounds, where = sparse_range(results)
    if results.main is None or not rounds:
        return []
    where = f"{where[0].upper()}{where[1:]}"
    unit = Unit("steps", points=" steps", digits=0)
    sentences = []
    for control in results.controls:
        difference = paired(results.rows, WINNING, control, rounds, "best_step")
        if difference:
            size = unit.difference(difference.mean).lstrip("+−")
            side = "earlier" if difference.mean < 0 else "later"
            when = "at the same step as" if size == "0" else f"{size} steps {side} than"
            sentences.append(
                f"{where}, `{WINNING}` reaches the minimum of its validation loss {when} "
                f"`{control}` (mean paired difference; {interval(difference, unit)})."
                + contains_zero(difference)
            )
    return [*sentences, *_still_falling(results, rounds, where)]


def _still_falling(results: Results, rounds: Collection[int], where: str) -> list[str]:
    """Returns how many networks ended at the minimum, where the speed is unknown."""
    length = max(row.steps for row in results.rows)
    pruned = [row for row in results.rows if row.round in rounds and row.arm != DENSE]
    falling = sum(row.best_step >= length for row in pruned)
    if not falling:
        return []
    return [
        f"{where}, the validation loss of {falling} of {len(pruned)} networks was still falling at "
        f"the last step ({length:,}); longer training may change these differences."
    ]


def _seeds(n: int) -> str:
    return f"{n} seed" if n == 1 else f"{n} seeds"
