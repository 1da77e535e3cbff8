"""The page of the study `transfer`: one figure per target, a matrix, and the source's size."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from keras_lottery.checks import check_path_name
from keras_lottery.config.claims import recorded_claims
from keras_lottery.errors import LotteryError
from keras_lottery.records import read_results
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.report import tables
from keras_lottery.report.content import Content, add_settings, nothing_finished
from keras_lottery.report.document import Bullets, Details, Heading, Table, Text
from keras_lottery.report.formatting import count, percent
from keras_lottery.report.gaps import diverged
from keras_lottery.report.plots import draw_tickets
from keras_lottery.report.results import WINNING, Results, read_config, results_of_rows
from keras_lottery.report.sentences import comparisons, sparse_range
from keras_lottery.report.statistics import levels
from keras_lottery.report.study_page import StudyPage
from keras_lottery.studies.transfer.plots import draw_matrix, draw_sizes

RANDOM = ("permuted_global", "random_mask")
"""The random tickets of the papers, which don't depend on a source: over re-initialized weights, or
over the pre-trained ones. The first one that all targets have is used."""

_NOTES = {
    "bert": "A transferred ticket starts from the source's weights at its rewind point (the "
    "pre-trained ones at step 0), with a head initialized from the seed, and is trained for the "
    "target's full length. No preset has a pre-trained head for masked words: if `mlm` is a "
    "source, that head is initialized from the seed, too, then trained for `model.head_length` on "
    "the frozen encoder, and not pruned.",
}


def content(run: Path) -> Content:
    """Returns the page.

    Raises:
        LotteryError: no target of the run is finished.
    """
    paths = RunPaths(run)
    record = read_config(paths)
    config, options = record["config"], record["config"]["options"]
    facts = {key: value for key, value in record.items() if key != "config"}
    names = dict.fromkeys([*options["targets"], *options["variants"]])  # in the config's order
    results_by_name = {name: _study(paths, name, record) for name in names}
    targets = {
        name: results
        for name, results in results_by_name.items()
        if results and any(row.source for row in results.rows)
    }
    title = f"{config['name']}: tickets transferred to other experiments"
    lost = [
        f"{n}: {s}"
        for n, results in results_by_name.items()
        if results
        for s in diverged(results.lost)
    ]
    if lost and not targets:
        return nothing_finished(title, lost, config, facts)
    if not targets:
        raise LotteryError(
            f"Expected a target with finished trainings in {run}. Received: none. "
            "Continue with `keras-lottery run` and the same config."
        )
    random = next((a for a in RANDOM if all(a in s.arms for s in targets.values())), RANDOM[0])
    claimed = {claim.arm for claim, _ in recorded_claims(record)}
    page = Content(title, [*_headline(targets, random, claimed), *lost])
    page.add(Heading(page.title, 1), Bullets(page.headline, strong=True))
    page.add(_reuse_table(targets))
    for name, results in targets.items():
        page.add(Heading(f"Target {name}"), Bullets(comparisons(results, results.controls)))
        page.show(draw_tickets(results, f"{name}.png"), "")
        page.add(tables.match_table(results))
        page.add(Details("Every level and arm", [tables.arm_table(results)]))
    page.add(Heading("Sources and targets"))
    sizes = _sizes(options["variants"])
    page.show(draw_matrix(targets, random, sizes), "")
    for name, source in results_by_name.items():
        if source and name not in targets:
            page.add(Details(f"Every level of {name}, a source alone", [tables.arm_table(source)]))
    for name, results in targets.items():
        if len({source for source in sizes if f"{WINNING} from {source}" in results.arms}) > 1:
            page.add(Heading(f"Size of the source, target {name}"))
            page.show(draw_sizes(results, name, sizes, random), "")
    page.add(Text("In a target's own rows, the output layer is not pruned, either."))
    page.add(Text(_NOTES[config["task"]]) if config["task"] in _NOTES else None)
    add_settings(page, config, facts)
    return page


def _study(paths: RunPaths, name: str, record: Mapping[str, Any]) -> Results | None:
    file = paths.root / f"{check_path_name('a variant', name)}.csv"
    if not file.exists():
        return None
    config, better = record["config"] | {"name": name}, record["higher_is_better"]
    return results_of_rows(paths, config["task"], read_results(file), better, config, {})


def _sources(results: Results, claimed: Collection[str]) -> list[str]:
    """Returns the arms with tickets of sources, those of the claims first."""
    arms = [arm for arm in results.arms if arm.startswith(f"{WINNING} from ")]
    return sorted(arms, key=lambda arm: arm not in claimed)


def _headline(targets: Mapping[str, Results], random: str, claimed: Collection[str]) -> list[str]:
    """Returns sentences that compare each source's tickets with random and the target's tickets."""
    return [
        f"{name}: {sentence}"
        for name, results in targets.items()
        for arm in _sources(results, claimed)
        for sentence in comparisons(
            results, [c for c in (random, WINNING) if c in results.arms], arm
        )
    ]


def _reuse_table(targets: Mapping[str, Results]) -> Table:
    """Returns the optimizer steps that a ticket costs: searched on the target, or transferred."""
    rows = []
    for name, results in targets.items():
        rounds, _ = sparse_range(results)
        untransferred = [
            row for row in results.rows if row.arm in ("dense", WINNING) and not row.source
        ]
        compared = [row for row in untransferred if row.round in rounds]
        if not compared:
            continue
        last = min(row.round for row in compared)
        seed = min(row.seed for row in compared if row.round == last)
        steps = {row.round: row.steps for row in untransferred if row.seed == seed}
        search = sum(n for number, n in steps.items() if number < last)
        level = next(lv for lv in levels(results.rows, WINNING) if lv.round == last)
        rows.append([name, percent(level.remaining), count(search), "0", count(steps[last])])
    note = (
        "Optimizer steps per seed before the ticket of that level can be trained: iterative "
        "pruning on the target itself, or none with another experiment's ticket."
    )
    header = ["target", "remaining", "steps of search on the target", "with a source's ticket",
              "steps to train the ticket"]  # fmt: skip
    return Table("Savings from reuse", header, rows, note)


def _sizes(variants: Mapping[str, Any]) -> dict[str, int]:
    """Returns the number of training images of each variant; 0: all."""
    named = {name: int(v.get("data", {}).get("train_size", 0)) for name, v in variants.items()}
    return named if sum(1 for size in named.values() if size) > 1 else {}


PAGE = StudyPage(content)
