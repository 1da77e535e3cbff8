"""Report sections of arms that prune before training: sanity controls, spectra, total steps."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from keras_lottery.arms import FAMILIES
from keras_lottery.records import MetricRow, read_metrics, read_numbers
from keras_lottery.report.document import Table
from keras_lottery.report.formatting import count, number, percent, unit_of
from keras_lottery.report.kept_rows import SPECTRA, SpectrumRow, read_kept, short
from keras_lottery.report.results import DENSE, WINNING, Results
from keras_lottery.report.sentences import comparisons
from keras_lottery.report.statistics import levels, paired

CONTROLS = {
    "shuffled": "`_shuffled` has the same mask shuffled within each variable over the same weights",
    "shuffled_per_input": "`_shuffled_per_input` shuffled among the weights of each input",
    "reinit": "`_reinit` the same mask applied to re-initialized weights",
}
"""Sanity controls, and what they are, as parts of one sentence."""
MANIFOLD, *MATCHED = FAMILIES["inertial_manifold_interpretation"]

Spectra = dict[int, list[dict[str, float]]]
"""Seed -> rows `index` and `value` of the spectrum at the first round that has one."""


def controlled(results: Results) -> list[str]:
    """Returns the arms that have sanity controls."""
    return [
        a for a in results.arms if any(f"{a}_{control}" in results.arms for control in CONTROLS)
    ]


def sanity_sentences(results: Results) -> list[str]:
    """Returns sentences that compare each method with its sanity controls at the sparse end."""
    return [
        sentence
        for arm in controlled(results)
        for sentence in comparisons(
            results, [f"{arm}_{c}" for c in CONTROLS if f"{arm}_{c}" in results.arms], arm
        )
    ]


def without_sanity_controls(results: Results) -> Results:
    """Returns the results without sanity controls."""
    extra = {f"{arm}_{control}" for arm in controlled(results) for control in CONTROLS}
    return results.subset([arm for arm in results.arms if arm not in extra])


def sanity_table(results: Results) -> Table:
    """Returns the value of each method and level, and its differences from the controls."""
    unit, rows = unit_of(results.rows), []
    methods = controlled(results)
    controls = [c for c in CONTROLS if any(f"{arm}_{c}" in results.arms for arm in methods)]
    for arm in methods:
        for level in levels(results.rows, arm):
            pairs = [
                paired(results.rows, arm, f"{arm}_{control}", {level.round}) for control in controls
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
    differences = [f"− {control.replace('_', ' ')}" for control in controls]
    header = ["arm", "remaining", unit.axis, *differences]
    worse = "both make" if len(controls) == 2 else "each makes"
    note = (
        f"{', '.join(CONTROLS[control] for control in controls)}; differences are paired by seed, "
        "with their 95 % t intervals. If a method identifies the weights that matter, "
        f"{worse} it worse."
    )
    return Table("", header, rows, note)


def manifold_sentences(results: Results) -> list[str]:
    """Returns sentences that compare the interpretation with its controls and `winning`."""
    others = [arm for arm in (*MATCHED, WINNING) if arm in results.arms]
    return comparisons(results, others, MANIFOLD)


def dimension_table(results: Results) -> Table | None:
    """Returns the dimension that each seed's spectrum chose, and the gap there."""
    by_round: dict[int, dict[str, dict[int, float]]] = defaultdict(dict)
    for row in _metrics(results):
        if row.arm == MANIFOLD:
            by_round[row.round].setdefault(row.name, {})[row.seed] = row.value
    rows = []
    for round, metrics in sorted(by_round.items()):
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
        "sorted |∂²L/∂w²| is largest within the round's window. A gap near 0 means that no "
        "dimension stands out."
    )
    return Table("The chosen dimension", header, rows, note)


def cost_table(results: Results) -> Table | None:
    """Returns the total optimizer steps of each ticket, including the search."""
    searched = {(r.arm, r.round): r.value for r in _metrics(results) if r.name == "search_steps"}
    if not searched or WINNING not in results.arms:
        return None
    trained = {(row.arm, row.round): row.steps for row in results.rows}
    arms = [arm for arm in results.arms if any(key[0] == arm for key in searched)]
    rows = []
    for level in levels(results.rows, WINNING):
        chain = [trained[DENSE, 0], *(trained[WINNING, r] for r in range(1, level.round + 1))]
        cells = [
            count(searched[arm, level.round] + trained[arm, level.round])
            if (arm, level.round) in searched
            else "–"
            for arm in arms
        ]
        rows.append([percent(level.remaining), count(sum(chain)), *cells])
    note = "`winning` counts dense training and all earlier rounds, the others the steps before "
    note += "pruning."
    return Table("Total training steps", ["remaining", WINNING, *arms], rows, note)


def spectra(results: Results) -> Spectra:
    """Returns the spectrum of each seed that has one, from the run or else the kept table."""
    by_seed: Spectra = {}
    for row in results.rows:
        if row.arm == MANIFOLD and row.seed not in by_seed:
            file = results.paths.table(row.training, "spectrum")
            if file.exists():
                by_seed[row.seed] = read_numbers(file)
    if not by_seed:
        for kept in read_kept(results.paths.root, SPECTRA, SpectrumRow, results.task):
            by_seed.setdefault(kept.seed, []).append({"index": kept.index, "value": kept.value})
    return by_seed


def spectrum_rows(results: Results) -> list[SpectrumRow]:
    """Returns the spectra as rows of the kept table."""
    return [
        SpectrumRow(results.task, seed, short(point["index"]), short(point["value"]))
        for seed, points in spectra(results).items()
        for point in points
    ]


def _metrics(results: Results) -> Sequence[MetricRow]:
    file, lost = results.paths.metrics, {row.training for row in results.lost}
    rows = read_metrics(file) if file.exists() else []
    return [row for row in rows if row.task == results.task and row.training not in lost]


def has_manifold(results: Results) -> bool:
    """Returns True if the run has the arm of the interpretation."""
    return MANIFOLD in results.arms
