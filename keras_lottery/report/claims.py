"""The verdicts of a run on the claims that its config declares, and the table of all results."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_lottery.config.claims import Claim, recorded_claims
from keras_lottery.files import write_text
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.report.document import Block, Heading, Table, Text
from keras_lottery.report.formatting import Unit, number, percent
from keras_lottery.report.markdown import to_markdown
from keras_lottery.report.results import TICKETS, read_config
from keras_lottery.report.study_page import study_page
from keras_lottery.report.verdicts import (
    AGREES,
    DISAGREES,
    NOT_COMPARABLE,
    NOT_SHOWN,
    Verdict,
    adjust,
    judge,
)

_FILE = "claims.md"
_LOWER_IS_BETTER = ("best_step", "flops")


def verdicts(run: Path) -> list[Verdict]:
    """Returns a verdict per declared comparison of the run folder `run`, with uncorrected p.

    Raises:
        LotteryError: the folder is no run folder, or a table is damaged.
    """
    record = read_config(RunPaths(run))
    page = study_page(str(record["config"].get("study", TICKETS)))
    higher = page.higher_is_better
    all_verdicts: list[Verdict] = []
    for claim, post_hoc in recorded_claims(record):
        up = bool(record["higher_is_better"]) if higher is None else higher
        up = up and claim.field not in _LOWER_IS_BETTER
        judged = judge(claim, page.measurements(run, claim), up, post_hoc)
        is_planned = _is_planned(claim, record["config"])
        all_verdicts += [verdict for verdict in judged if verdict.n or is_planned]
    return all_verdicts


def _is_planned(claim: Claim, config: Mapping[str, Any]) -> bool:
    """Returns False for a claim of the preset whose arms this run doesn't train."""
    options = config.get("options") or {}
    if claim.target and claim.target not in options.get("targets", ()):
        return False
    arms = {"dense", "", *config.get("arms", ())}
    sources = {f"{arm} from {name}" for arm in arms for name in options.get("sources", ())}
    has_arms = config.get("study", TICKETS) in (TICKETS, "transfer")
    return not has_arms or {claim.arm, claim.control} <= arms | sources


def claims_table(run: Path) -> Table | None:
    """Returns the table of a run's claims, corrected within the run; None if it declares none."""
    corrected = adjust(verdicts(run))
    if not corrected:
        return None
    note = _NOTE.format(scope="this page's claims from one paper")
    return Table("Claims", _HEADER, [_cells(verdict) for verdict in corrected], note)


def write_claims(results: Path) -> Path:
    """Writes claims.md: all claims of all experiments in `results`, by paper.

    Raises:
        LotteryError: an experiment's files are damaged.
    """
    folders = sorted(path.parent for path in results.rglob("config.json"))
    judged = [(folder, verdict) for folder in folders for verdict in verdicts(folder)]
    corrected = adjust([verdict for _, verdict in judged])
    papers: dict[str, list[list[str]]] = {}
    for (folder, _), verdict in zip(judged, corrected):
        name = folder.relative_to(results).as_posix()
        paper = verdict.claim.paper
        *cells, source = _cells(verdict)
        place = source.removeprefix(paper).lstrip(", ") or "–"
        papers.setdefault(paper, []).append([name, *cells, place])
    note = _NOTE.format(scope="all claims from one paper, on all pages")
    blocks: list[Block] = [Heading("Claims", 1), Text(_counts(corrected))]
    blocks.append(_counts_table(corrected, note))
    for paper, rows in sorted(papers.items()):
        blocks += [Heading(paper), Table("", ["experiment", *_HEADER], rows)]
    text = to_markdown(blocks).replace("\n\n", "\n\n<!-- Generated. -->\n\n", 1)
    for name in {folder.relative_to(results).as_posix() for folder in folders}:
        # A table's cells are escaped, so that no text from a run becomes a link.
        text = text.replace(f"\n| {name} |", f"\n| [{name}]({name}/page.md) |")
    write_text(results / _FILE, text)
    return results / _FILE


def _counts_table(corrected: Sequence[Verdict], note: str) -> Table:
    names = (AGREES, DISAGREES, NOT_SHOWN, NOT_COMPARABLE)
    papers = sorted({verdict.claim.paper for verdict in corrected})
    count = Counter((verdict.claim.paper, verdict.verdict) for verdict in corrected)
    rows = [[paper, *(str(count[paper, name]) for name in names)] for paper in papers]
    return Table("", ["comparisons by paper", *names], rows, note)


def _counts(corrected: Sequence[Verdict]) -> str:
    names = dict.fromkeys(verdict.verdict for verdict in corrected)
    counted = {name: sum(v.verdict == name for v in corrected) for name in sorted(names)}
    parts = ", ".join(f"{count} *{name}*" for name, count in counted.items())
    declared = sum(not verdict.post_hoc for verdict in corrected)
    return (
        f"{len(corrected)} comparisons: {parts or 'none'}. {declared} were declared before their "
        "trainings were run; the others are marked *post hoc*."
    )


_HEADER = [
    "claim", "verdict", "comparison", "difference", "95 % interval", "n", "p", "adjusted p",
    "d", "n for 80 % power", "source",
]  # fmt: skip

_NOTE = (
    "The claim is worded after the paper; what is tested is the comparison: `>` better, `<` worse, "
    "`>=` not worse, `==` equivalent, by or within the margin if there is one. "
    "Difference: mean over seeds of the paired difference arm − control (or minus the value "
    "published in the paper), in the metric's unit, with its t interval; where lower is better, a "
    "negative difference is better. The verdict follows from the interval "
    "and the declared margin: *agrees* if the whole interval is on the claimed side and the mean "
    "reaches the margin, *disagrees* if the interval excludes all differences as large as the "
    "margin, *not shown* otherwise: the data don't decide. Where a control is within the margin of "
    "the dense network, or better, there is little to gain, and a verdict *disagrees* says so. "
    "The interval assumes normal "
    "differences, which two or three seeds can't check, so a verdict from two says so. "
    "p doesn't assume that and doesn't enter the verdict: exact one-sided sign-flip permutation "
    "test of the claim's direction, at least 1/2ⁿ, so it is shown from five seeds on; adjusted by "
    "Holm's method over {scope} that have one. d: mean ÷ standard deviation of the seeds' "
    "differences."
)


def _cells(verdict: Verdict) -> list[str]:
    claim = verdict.claim
    levels = percent(verdict.level) + " remaining" if verdict.level is not None else _range(claim)
    compared = f"`{claim.compare}`, {levels}"
    mean, low, high = _figures(verdict.mean, verdict.low, verdict.high)
    interval = "–" if math.isnan(verdict.low) else f"{low} to {high}"
    remarks = ["two seeds"] if verdict.n == 2 else []
    remarks += ["post hoc"] if verdict.post_hoc else []
    if verdict.verdict == DISAGREES and verdict.at_ceiling:
        remarks.append("the control is as good as dense")
    text = f"**{verdict.verdict}**" + (f" ({', '.join(remarks)})" if remarks else "")
    if claim.not_comparable:
        text += f": {claim.not_comparable}"
    needed = "–" if verdict.needed is None else str(verdict.needed)
    tested = (verdict.p, verdict.adjusted_p) if verdict.can_be_significant else (math.nan,) * 2
    return [
        claim.says, text, compared, mean, interval, str(verdict.n),
        *(number(p, 3) for p in tested), number(verdict.effect, 2), needed, claim.source,
    ]  # fmt: skip


def _range(claim: Claim) -> str:
    low, high = claim.remaining
    if (low, high) == (0.0, 1.0):
        return "all levels"
    return f"{percent(low)} to {percent(high)} remaining" if low else f"≤ {percent(high)} remaining"


def _figures(*values: float) -> list[str]:
    """Formats a difference and the ends of its interval, the largest to three digits."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    digits = max(0, 2 - math.floor(math.log10(largest))) if largest else 0
    return [Unit("", digits=digits).difference(value) for value in values]
