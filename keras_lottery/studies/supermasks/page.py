"""The page of the study `supermasks`: every level, and the chosen ones on the test set."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from keras_lottery.config.claims import Claim
from keras_lottery.errors import LotteryError
from keras_lottery.records import ResultRow, read_results
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.report.content import Content, add_settings, nothing_finished
from keras_lottery.report.document import Bullets, Details, Heading, Table
from keras_lottery.report.formatting import Unit, percent, unit_of
from keras_lottery.report.gaps import diverged
from keras_lottery.report.results import DENSE, read_config
from keras_lottery.report.sentences import compared_with, contains_zero
from keras_lottery.report.statistics import Level, Paired, levels, paired
from keras_lottery.report.study_page import StudyPage, measurement, result_measurements
from keras_lottery.report.verdicts import Measurement
from keras_lottery.studies.supermasks.plots import draw_supermasks
from keras_lottery.studies.supermasks.rows import CHOSEN, LEVELS, arm_name

WEIGHTS = {"init": "initial weights", "signed_constant": "signed constants"}
PLAIN, SIGNED = "large_final", "large_final_same_sign"


def content(run: Path) -> Content:
    """Returns the page.

    Raises:
        LotteryError: no criterion of the run is measured.
    """
    paths = RunPaths(run)
    record = read_config(paths)
    config, better = record.pop("config"), bool(record["higher_is_better"])
    chosen = _rows(run / CHOSEN)
    title = f"{config['name']}: supermasks of untrained networks"
    trained = _rows(paths.results)
    lost = diverged(trained)
    if lost and not chosen:
        return nothing_finished(title, lost, config, record)
    if not chosen:
        raise LotteryError(
            f"Expected at least one measured criterion in {run}. Received: none. "
            "Continue with `keras-lottery run` and the same config."
        )
    measured = {row.arm for row in chosen}
    swept = [row for row in _rows(run / LEVELS) if row.arm in measured]
    unit = unit_of([*chosen, *swept])
    dense = [row for row in trained if row.arm == DENSE and row.finished]
    page = Content(title, [*_headline(chosen, dense, unit, better), *lost])
    page.add(Heading(page.title, 1), Bullets(page.headline, strong=True))
    panels = {text: _of(swept, weights) for weights, text in WEIGHTS.items()}
    mean = float(np.mean([row.value for row in dense])) if dense else None
    drawn = {t: rows for t, rows in panels.items() if rows}
    page.show(draw_supermasks(drawn, mean, unit, better), "")
    page.add(Heading("Chosen levels"), _chosen_table(chosen, unit, better))
    for title, rows in panels.items():
        if rows:
            page.add(Details(f"Every level over {title}", [_level_table(rows, unit)]))
    add_settings(page, config, record)
    return page


def _rows(path: Path) -> list[ResultRow]:
    return read_results(path) if path.exists() else []


def _of(rows: Sequence[ResultRow], weights: str) -> list[ResultRow]:
    """Returns the rows over one kind of weights, with the criterion as arm."""
    return [
        replace(row, arm=row.arm.partition("/")[0])
        for row in rows
        if row.arm.partition("/")[2] == weights
    ]


def _level(rows: Sequence[ResultRow], arm: str, field: str = "value") -> Level:
    """Returns mean and spread of an arm's chosen levels, which differ between seeds."""
    return levels([replace(row, round=1) for row in rows], arm, field)[0]


def _headline(
    chosen: Sequence[ResultRow], dense: Sequence[ResultRow], unit: Unit, better: bool
) -> list[str]:
    arms = _by_validation(chosen, better)
    best = _level(chosen, arms[0])
    sentences = [
        f"Of {len(arms)} masks without training (criteria × weights), {_words(arms[0])} is best on "
        f"held-out images: {unit.spread(best.mean, best.sd)}{unit.symbol} on the test set "
        f"(n = {best.n}) with {percent(best.remaining)} of the weights remaining."
    ]
    if dense:
        trained = levels(list(dense), DENSE)[0]
        sentences[0] += (
            f" The trained network has {unit.spread(trained.mean, trained.sd)}{unit.symbol}."
        )
    flat = [replace(row, round=1) for row in chosen]
    pairs = [
        (arm_name(SIGNED, "signed_constant"), arm_name(SIGNED, "init")),
        (arm_name(SIGNED, "signed_constant"), arm_name(PLAIN, "signed_constant")),
    ]
    for arm, control in pairs:
        difference = paired(flat, arm, control, {1})
        if difference:
            sentences.append(_compared(difference, unit, better))
    return sentences


def _compared(difference: Paired, unit: Unit, better: bool) -> str:
    """Returns a sentence on two masks, each at its levels chosen on held-out images."""
    compared = compared_with(difference, _words(difference.control), unit, better)
    text = f"At the chosen levels, {_words(difference.arm)} {compared})."
    return text + contains_zero(difference)


def _by_validation(chosen: Sequence[ResultRow], better: bool) -> list[str]:
    """Returns the arms by their mean value on held-out images, the best first."""
    arms = list(dict.fromkeys(row.arm for row in chosen))
    sign = -1 if better else 1
    return sorted(arms, key=lambda arm: sign * _level(chosen, arm, "best_value").mean)


def _words(arm: str) -> str:
    criterion, _, weights = arm.partition("/")
    return f"`{criterion}` over {WEIGHTS.get(weights, weights)}"


def _chosen_table(chosen: Sequence[ResultRow], unit: Unit, better: bool) -> Table:
    cells = []
    for arm in _by_validation(chosen, better):
        test, held_out = _level(chosen, arm), _level(chosen, arm, "best_value")
        picked = sorted({row.round for row in chosen if row.arm == arm})
        cells.append([
            *arm.split("/"),
            f"{unit.spread(test.mean, test.sd)} ({test.n})",
            unit.spread(held_out.mean, held_out.sd),
            percent(test.remaining),
            ", ".join(map(str, picked)),
        ])  # fmt: skip
    header = ["criterion", "weights", "test", "held out", "remaining", "level"]
    note = (
        f"{unit.axis}, mean ± standard deviation between seeds (number of seeds). "
        "Each seed's level is the one with the best value on held-out images."
    )
    return Table("", header, cells, note)


def _level_table(rows: Sequence[ResultRow], unit: Unit) -> Table:
    criteria = list(dict.fromkeys(row.arm for row in rows))
    by_criterion = {name: {lv.round: lv for lv in levels(rows, name)} for name in criteria}
    cells = []
    for number in sorted({row.round for row in rows}):
        at = [by_criterion[name].get(number) for name in criteria]
        remaining = next(level.remaining for level in at if level)
        cells.append([
            str(number), percent(remaining), *(unit.bare(lv.mean) if lv else "–" for lv in at),
        ])  # fmt: skip
    note = f"{unit.axis} on held-out images, mean over seeds."
    return Table("", ["level", "remaining", *criteria], cells, note)


def measurements(run: Path, claim: Claim) -> list[Measurement]:
    """Returns the masks chosen on held-out images, as round 1.

    `best` is each seed's best mask by the accuracy on those images, which is `best_value`.
    """
    rows = _rows(run / CHOSEN)
    sign = 1 if read_config(RunPaths(run))["higher_is_better"] else -1
    measured = [replace(measurement(row, claim.field), round=1) for row in rows]
    best: dict[int, tuple[float, Measurement]] = {}
    for row, mask in zip(rows, measured):
        if row.seed not in best or sign * row.best_value > best[row.seed][0]:
            best[row.seed] = (sign * row.best_value, replace(mask, arm="best"))
    return [*result_measurements(run, claim), *measured, *(mask for _, mask in best.values())]


PAGE = StudyPage(content, measurements)
