"""What a report adds where arms prune before training: sanity controls, spectra, steps in all."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from keras_lottery.arms import FAMILIES
from keras_lottery.records import MetricRow, read_metrics, read_numbers
from keras_lottery.report.document import Table
from keras_lottery.report.formatting import count, number, percent, unit_of
from keras_lottery.report.results import DENSE, WINNING, Results
from keras_lottery.report.sentences import comparisons
from keras_lottery.report.statistics import levels, paired

CONTROLS = ("shuffled", "reinit")
MANIFOLD, *MATCHED = FAMILIES["inertial_manifold_interpretation"]

Spectra = dict[int, list[dict[str, float]]]
"""Seed -> rows `index` and `value` of the spectrum at the first round that has one."""


def controlled(results: Results) -> list[str]:
    """Returns the arms that have sanity controls of their own."""
    return [
        a for a in results.arms if any(f"{a}_{control}" in results.arms for control in CONTROLS)
    ]


def sanity_sentences(results: Results) -> list[str]:
    """Returns how far each method is above its shuffled and its fresh control at the sparse end."""
    return [
        sentence
        for arm in controlled(results)
        for sentence in comparisons(
            results, [f"{arm}_{c}" for c in CONTROLS if f"{arm}_{c}" in results.arms], arm
        )
    ]


def without_sanity_controls(results: Results) -> Results:
    """Returns the results without the controls that belong to one of its other arms."""
    extra = {f"{arm}_{control}" for arm in controlled(results) for control in CONTROLS}
    return results.subset([arm for arm in results.arms if arm not in extra])


def sanity_table(results: Results) -> Table:
    """Returns per method and level its value, and the differences to its controls."""
    unit, rows = unit_of(results.rows), []
    for arm in controlled(results):
        for level in levels(results.rows, arm):
            pairs = [
                paired(results.rows, arm, f"{arm}_{control}", {level.round}) for control in CONTROLS
            ]
            shown = [
                "–"
                if pair is None
                else f"{unit.difference(pair.mean)} [{unit.difference(pair.low)}, "
                f"{unit.difference(pair.high)}]"
                for pair in pairs
            ]
            value = unit.spread(level.mean, level.sd)
            rows.append([arm, percent(level.remaining), value, *shown])
    header = ["arm", "remaining", unit.axis, "− shuffled", "− reinit"]
    note = (
        "`_shuffled` has the same mask shuffled within each variable over the same weights, "
        "`_reinit` the same mask over fresh weights; differences are paired by seed, with their "
        "95 % t intervals. A method that tells which weights matter loses by both."
    )
    return Table("", header, rows, note)


def manifold_sentences(results: Results) -> list[str]:
    """Returns how the interpretation does beside its controls, `winning` and dense."""
    others = [arm for arm in (*MATCHED, WINNING) if arm in results.arms]
    return comparisons(results, others, MANIFOLD)


def dimension_table(results: Results) -> Table | None:
    """Returns the dimension that each seed's spectrum chose, and the gap there."""
    found: dict[int, dict[str, dict[int, float]]] = defaultdict(dict)
    for row in _metrics(results):
        if row.arm == MANIFOLD:
            found[row.round].setdefault(row.name, {})[row.seed] = row.value
    rows = []
    for round, metrics in sorted(found.items()):
        dimensions = metrics.get("dimension", {})
        sizes = metrics.get("gap_size", {})
        values = np.array(list(dimensions.values()))
        rows.append([
            str(round), ", ".join(count(d) for _, d in sorted(dimensions.items())),
            number(float(values.std(ddof=1) / values.mean()) * 100, 1) if len(values) > 1 else "–",
            ", ".join(number(size, 3) for _, size in sorted(sizes.items())),
        ])  # fmt: skip
    if not rows:
        return None
    header = ["round", "dimension, by seed", "spread [% of mean]", "relative gap, by seed"]
    note = (
        "The dimension is the number of weights kept: where the gap between neighbours in the "
        "sorted |∂²L/∂w²| is largest within the round's window. A gap near 0 says that nothing "
        "sets one dimension apart from its neighbours."
    )
    return Table("The chosen dimension", header, rows, note)


def cost_table(results: Results) -> Table | None:
    """Returns the optimizer steps that a ticket takes in all, those of the search included."""
    searched = {(r.arm, r.round): r.value for r in _metrics(results) if r.name == "search_steps"}
    if not searched or WINNING not in results.arms:
        return None
    own = {(row.arm, row.round): row.steps for row in results.rows}
    arms = [arm for arm in results.arms if any(key[0] == arm for key in searched)]
    rows = []
    for level in levels(results.rows, WINNING):
        chain = [own[DENSE, 0], *(own[WINNING, r] for r in range(1, level.round + 1))]
        cells = [
            count(searched[arm, level.round] + own[arm, level.round])
            if (arm, level.round) in searched
            else "–"
            for arm in arms
        ]
        rows.append([percent(level.remaining), count(sum(chain)), *cells])
    note = "Dense training and every round before count for `winning`, the steps before pruning "
    note += "for the others."
    return Table("Steps of training in all", ["remaining", WINNING, *arms], rows, note)


def spectra(results: Results) -> Spectra:
    """Returns the spectrum of each seed, as far as the run holds them."""
    found: Spectra = {}
    for row in results.rows:
        if row.arm == MANIFOLD and row.seed not in found:
            file = results.paths.table(row.training, "spectrum")
            if file.exists():
                found[row.seed] = read_numbers(file)
    return found


def _metrics(results: Results) -> Sequence[MetricRow]:
    file, lost = results.paths.metrics, {row.training for row in results.lost}
    rows = read_metrics(file) if file.exists() else []
    return [row for row in rows if row.task == results.task and row.training not in lost]


def has_manifold(results: Results) -> bool:
    """Returns True where the arm of the interpretation is there."""
    return MANIFOLD in results.arms
