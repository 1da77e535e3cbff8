"""The tables of a report, as text."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from keras_lottery.config import flatten
from keras_lottery.records import ResultRow, read_table, series
from keras_lottery.records.run_paths import SAMPLES
from keras_lottery.report.document import Table
from keras_lottery.report.formatting import Unit, count, percent, rounds_text, unit_of
from keras_lottery.report.kept_rows import SAMPLES as KEPT_SAMPLES
from keras_lottery.report.masks import Densities, SeedOverlap
from keras_lottery.report.plots.axes import ticks
from keras_lottery.report.results import DENSE, Results
from keras_lottery.report.sentences import relative_to_dense, sparse_range
from keras_lottery.report.statistics import (
    Level,
    dense_level,
    has_ratios,
    levels,
    nearest_level,
    paired,
    seed_range,
    sparsest_match,
)

_STEPS = Unit("step", digits=0)


def level_table(results: Results) -> Table:
    """Returns one row per level with mean ± standard deviation of every arm."""
    unit = unit_of(results.rows)
    note = f"{unit.axis}, mean ± standard deviation between seeds (number of seeds)."
    return _wide(
        results,
        "value",
        unit,
        f"{unit.spoken[0].upper()}{unit.spoken[1:]} by weights remaining",
        note,
    )


def terminal_cells(results: Results) -> tuple[Table, str]:
    """Returns the same table for 80 columns, and its caption."""
    unit, dense = unit_of(results.rows), dense_level(results.rows)
    by_arm = _by_round(results, results.arms or [DENSE])
    narrow = len(by_arm) > 4
    full = dense.flops if dense else 0.0
    rows = []
    for round_number in sorted({row.round for row in results.rows if series(row) in by_arm}):
        at = {arm: by_round.get(round_number) for arm, by_round in by_arm.items()}
        shown = at.get(results.main or "") or next(level for level in at.values() if level)
        flops = percent(shown.flops / full) if full else count(shown.flops)
        cells = [
            unit.spread(lv.mean, math.nan if narrow else lv.sd) if lv else "–" for lv in at.values()
        ]
        facts = [str(round_number), percent(shown.remaining), *([] if narrow else [flops])]
        rows.append([*facts, *cells])
    # Long arm names wrap rather than numbers.
    facts = ["round", "left", *([] if narrow else ["FLOPs"])]
    header = [*facts, *(arm.replace("_", "_\n") for arm in by_arm)]
    caption = ["mean over seeds" if narrow else "mean ± sd over seeds"]
    if dense:
        caption.append(f"dense {unit.spread(dense.mean, dense.sd)}{unit.symbol}")
    caption.append(f"n = {seed_range(results.rows)}")
    return Table(f"{unit.axis} by weights remaining", header, rows), "; ".join(caption)


def speed_table(results: Results) -> Table:
    """Returns one row per level with the step of the minimum validation loss of every arm."""
    note = "Optimizer steps, mean ± standard deviation between seeds (number of seeds)."
    return _wide(results, "best_step", _STEPS, "", note)


def _wide(results: Results, field: str, unit: Unit, title: str, note: str) -> Table:
    arms = [DENSE, *results.arms]
    by_arm = _by_round(results, arms, field)
    arms = [arm for arm in arms if by_arm[arm]]
    numbers = sorted({number for by_round in by_arm.values() for number in by_round})
    reference = results.main or (results.arms[0] if results.arms else DENSE)
    rows = []
    differ = False
    for round_number in numbers:
        measured = [
            by_round[round_number] for by_round in by_arm.values() if round_number in by_round
        ]
        at = by_arm[reference].get(round_number, measured[0])
        differ |= any(level.kept != at.kept for level in measured)
        facts = [str(round_number), percent(at.remaining), count(at.kept), count(at.flops)]
        rows.append([*facts, *(_cell(by_arm[arm].get(round_number), unit) for arm in arms)])
    if differ:
        note += f" Some arms keep other numbers of weights; those of `{reference}` are shown."
    return Table(title, ["round", "remaining", "kept", "FLOPs", *arms], rows, note)


def _by_round(
    results: Results, arms: Sequence[str], field: str = "value"
) -> dict[str, dict[int, Level]]:
    """Returns the levels of each arm by their round."""
    return {arm: {lv.round: lv for lv in levels(results.rows, arm, field)} for arm in arms}


def _cell(level: Level | None, unit: Unit) -> str:
    return f"{unit.spread(level.mean, level.sd)} ({level.n})" if level else "–"


def arm_table(results: Results) -> Table:
    """Returns one row per level and arm with all of its statistics."""
    unit = unit_of(results.rows)
    rows = [
        [
            str(lv.round), lv.arm, percent(lv.remaining), count(lv.kept), count(lv.flops),
            unit.spread(lv.mean, lv.sd), f"{unit.bare(lv.low)} – {unit.bare(lv.high)}",
            str(lv.n), str(lv.trainings),
        ]
        for arm in [DENSE, *results.arms]
        for lv in levels(results.rows, arm)
    ]  # fmt: skip
    header = ["round", "arm", "remaining", "kept", "FLOPs", f"{unit.axis} mean ± sd",
              "min – max", "seeds", "trainings"]  # fmt: skip
    return Table("", header, rows, "FLOPs: forward pass of one example.")


def difference_table(results: Results) -> Table | None:
    """Returns the paired differences of the main arm, at the sparse end and over all rounds."""
    if results.main is None:
        return None
    unit, (sparse, where) = unit_of(results.rows), sparse_range(results)
    rows = []
    for control in results.controls:
        for label, rounds in ((where.removeprefix("at "), sparse), ("all rounds", None)):
            pair = paired(results.rows, results.main, control, rounds)
            if pair:
                rows.append([
                    f"{results.main} − {control}", label, rounds_text(pair.rounds),
                    unit.difference(pair.mean), _ends(unit, pair.low, pair.high),
                    "2: too few" if pair.n == 2 else str(pair.n),
                ])  # fmt: skip
    noun = unit.noun
    header = ["difference", "at", "rounds", f"mean [{noun}]", "95 % t interval",
              "seeds"]  # fmt: skip
    note = (
        "Pairs share a seed; levels and repetitions are averaged within a seed, and the interval "
        f"is over seeds. {'Above' if results.higher_is_better else 'Below'} 0: `{results.main}` is "
        "better."
    )
    return Table("Paired differences", header, rows, note) if rows else None


def ratio_cell(results: Results, arm: str, level: Level | None) -> str:
    """Returns a level's value relative to dense, and the fraction pruned there."""
    if level is None:
        return "–"
    return f"{relative_to_dense(results.rows, arm, level)} at {percent(1 - level.remaining)}"


def match_table(results: Results) -> Table | None:
    """Returns the sparsest level of each arm that matches dense, and values relative to dense."""
    rows = []
    for arm in results.arms:
        sparsest = sparsest_match(results.rows, arm, results.higher_is_better)
        shown = [sparsest, *(nearest_level(results.rows, arm, s) for s in (0.67, 0.90))]
        cells = [ratio_cell(results, arm, level) for level in shown]
        rows.append([arm, percent(sparsest.remaining) if sparsest else "–", *cells])
    noun = "value ÷ dense" if has_ratios(results.rows) else "difference from dense"
    header = ["arm", "sparsest within 1 sd of dense [remaining]", f"{noun} there",
              "near 67 % pruned", "near 90 % pruned"]  # fmt: skip
    note = (
        f"{noun.capitalize()}, and the fraction pruned there. Means better than dense count as "
        "within; – : no such level, or too few dense networks to estimate their spread."
    )
    return Table("Compared with dense", header, rows, note) if rows else None


def ratio_table(results: Results) -> Table | None:
    """Returns the values of all arms relative to dense, one row per level."""
    dense = dense_level(results.rows)
    if dense is None or not results.arms:
        return None
    by_arm = _by_round(results, results.arms)
    rows = []
    for number in sorted({number for by_round in by_arm.values() for number in by_round}):
        measured = [by_round.get(number) for by_round in by_arm.values()]
        main = by_arm.get(results.main or "", {}).get(number) or next(lv for lv in measured if lv)
        cells = [relative_to_dense(results.rows, lv.arm, lv) if lv else "–" for lv in measured]
        rows.append([str(number), percent(main.remaining), *cells])
    unit = unit_of(results.rows)
    divided = f"{unit.name} ÷ dense {unit.name}"
    noun = divided if has_ratios(results.rows) else "Differences from dense"
    return Table("", ["round", "remaining", *results.arms], rows, f"{noun}, means over seeds.")


def density_table(densities: Densities) -> Table:
    """Returns the density of every variable at a few rounds."""
    chosen = ticks(list(densities.remaining), most=6)
    index = [i for i, left in enumerate(densities.remaining) if left in chosen]
    header = ["variable", "weights", *(percent(densities.remaining[i]) for i in index)]
    rows = [
        [path, count(size), *(percent(row[i]) if math.isfinite(row[i]) else "–" for i in index)]
        for path, size, row in zip(densities.paths, densities.sizes, densities.density, strict=True)
    ]
    note = (
        f"Fraction of each variable kept by `{densities.arm}`, by the fraction of all weights kept."
    )
    return Table("", header, rows, note)


def overlap_table(overlaps: Sequence[SeedOverlap]) -> Table:
    """Returns the overlap between seeds and its expectation, per round."""
    rows = [
        [
            str(o.round), percent(o.remaining), percent(o.mean),
            f"{percent(o.low)} – {percent(o.high)}", percent(o.chance), percent(o.chance_global),
            str(o.pairs),
        ]
        for o in overlaps
    ]  # fmt: skip
    header = ["round", "remaining", "overlap", "min – max", "chance (per variable)",
              "chance (all)", "pairs"]  # fmt: skip
    return Table("", header, rows)


def config_table(config: dict[str, Any]) -> Table:
    """Returns the most important settings."""
    flat = flatten(config)
    short = [
        "task", "data.name", "model.name", "seeds", "arms", "draws", "train.length",
        "train.batch_size", "train.value", "optimizer.name", "optimizer.learning_rate",
        "optimizer.schedule", "prune.rounds", "prune.rate", "prune.schedule", "prune.criterion",
        "prune.scope", "rewind.to", "rewind.mode",
    ]  # fmt: skip
    rates = [name for name in flat if name.startswith("prune.rates.")]
    rows = [[name, plain(flat[name])] for name in [*short, *rates] if name in flat]
    return Table("", ["setting", "value"], rows, "All settings are in config.json.")


def full_config_table(config: dict[str, Any]) -> Table:
    """Returns every setting."""
    rows = [[name, plain(value)] for name, value in flatten(config).items()]
    return Table("", ["setting", "value"], rows)


def facts_table(facts: dict[str, Any]) -> Table | None:
    """Returns versions, backend and devices; claims have their own table."""
    shown = {name: value for name, value in facts.items() if name != "claims"}
    rows = [[name, plain(value)] for name, value in flatten(shown).items()]
    return Table("", ["item", "value"], rows) if rows else None


def plain(value: object) -> str:
    """Returns a setting as short text."""
    if isinstance(value, (list, tuple)):
        return ", ".join(map(plain, value)) or "none"
    return "none" if value is None or value in ("", {}) else str(value)


def _ends(unit: Unit, low: float, high: float) -> str:
    return "–" if math.isnan(low) else f"{unit.difference(low)} to {unit.difference(high)}"


ANSWER = "answer"


def samples_table(results: Results) -> Table | None:
    """Returns the first seed's samples of dense, and of each arm at its sparsest level.

    None if the task has no samples.
    """
    seed = min(results.seeds, default=None)
    by_arm: dict[str, list[dict[str, str]]] = {}
    for arm in dict.fromkeys((DENSE, results.main, *results.arms)):
        rows = [row for row in results.rows if (row.arm, row.seed) == (arm, seed)]
        last = max(rows, key=lambda row: row.round, default=None)
        path = results.paths.table(last.training, SAMPLES) if last else None
        if last and path and path.exists() and (answers := read_table(path)):
            by_arm[_title(last)] = answers
    note = f"The first test examples, seed {seed}; each arm at its sparsest finished level."
    kept = results.paths.root / KEPT_SAMPLES
    if not by_arm and kept.exists() and (shown := read_table(kept)):
        return Table("Samples", list(shown[0]), [list(row.values()) for row in shown], note)
    if not by_arm:
        return None
    first = next(iter(by_arm.values()))
    inputs = [name for name in first[0] if name != ANSWER]
    cells = [
        [_sample(rows[0], name) for name in inputs] + [_sample(row, ANSWER) for row in rows]
        for rows in zip(*by_arm.values(), strict=False)
    ]
    return Table("Samples", [*inputs, *by_arm], cells, note)


def _title(row: ResultRow) -> str:
    return row.arm if row.arm == DENSE else f"{row.arm}, {percent(row.remaining)} remaining"


def _sample(row: Mapping[str, str], name: str) -> str:
    return row.get(name, "") or "(nothing)"
