"""The results kept in the repository: one folder per experiment, and their index."""

import re
from pathlib import Path

from keras_lottery import checks
from keras_lottery.arms import FAMILIES, LEARNED
from keras_lottery.errors import LotteryError
from keras_lottery.files import write_whole
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.report.build import page_of, write_figures
from keras_lottery.report.claims import claims_table, write_claims
from keras_lottery.report.content import Content
from keras_lottery.report.formatting import percent, unit_of
from keras_lottery.report.kept import write_kept_tables
from keras_lottery.report.markdown import inline, to_markdown
from keras_lottery.report.prune_at_init import without_sanity_controls
from keras_lottery.report.results import TICKETS, Results, read_config, results_by_task, study_name
from keras_lottery.report.statistics import (
    dense_level,
    levels,
    nearest_level,
    sparsest_match,
)
from keras_lottery.report.tables import ratio_cell

_INDEX = "index.md"


def write_page(
    run: Path, name: str, results: Path = Path("docs/results"), index: bool = True
) -> Path:
    """Copies a run's tables into `results/<name>/`, draws its figures and writes page.md.

    The text of page.md between `<!-- head -->` and `<!-- /head -->` (free text) and between
    `<!-- paper -->` and `<!-- /paper -->` (one line: the paper's result) is kept; everything else
    is regenerated from the run. `results/<name>/` itself is a run folder in this sense: its tables
    suffice to write the page again.

    Args:
        run: the run folder.
        name: name of the experiment's folder.
        results: folder of all results.
        index: also update the index and the claims of all pages.

    Returns:
        The page.

    Raises:
        LotteryError: the folder is not a run folder, or no training is finished.
    """
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)*", checks.text(name, "name")) or ".." in name:
        raise LotteryError(
            f"Expected a name of letters, digits, '-', '_', '.', '/'. Received: {name!r}. "
            "Choose another."
        )
    folder = checks.file_path(results, "results") / name
    page = page_of(run)
    _copy_tables(RunPaths(Path(run)), folder)
    if study_name(run) == TICKETS:
        write_kept_tables(results_by_task(run), folder)
    write_figures(page.drawings, folder)
    path = folder / "page.md"
    _write(path, _page_text(name, page, path.read_text("utf-8") if path.exists() else ""))
    if index:
        write_index(results)
    return path


def _copy_tables(paths: RunPaths, folder: Path) -> None:
    for source in (*sorted(paths.root.glob("*.csv")), paths.config):
        content_of = source.read_bytes()
        write_whole(folder / source.name, lambda to, data=content_of: to.write_bytes(data))  # type: ignore[misc]


def _page_text(name: str, page: Content, old: str) -> str:
    paper = kept(old, "paper")
    return "\n\n".join([
        f"# {name}",
        "<!-- Generated; only the two marked regions are kept. -->",
        region("head", kept(old, "head")),
        *(["What the paper says:"] if paper else []),
        region("paper", paper),
        region("seen", inline(page.headline[0]) if page.headline else ""),
        region("claims", ""),
        to_markdown(page.blocks[1:]),
    ])  # fmt: skip


def write_index(results: Path = Path("docs/results")) -> Path:
    """Writes index.md, one row per experiment in `results`, claims.md, and every page's claims.

    Args:
        results: folder with one subfolder per experiment.

    Raises:
        LotteryError: an experiment's files are damaged.
    """
    if not checks.file_path(results, "results").is_dir():
        raise LotteryError(f"Expected a folder of results. Received: {results}. Check the path.")
    path = results / _INDEX
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    pages = [page for page in sorted(results.rglob("page.md"))
             if (page.parent / "config.json").exists()]  # fmt: skip
    searches = [page for page in pages if study_name(page.parent) == TICKETS]
    others = [page for page in pages if page not in searches]
    text = "\n".join([
        "# Results", "", "<!-- Generated; only the marked region is kept. -->", "",
        region("head", kept(old, "head")), "",
        *_table(_SEARCHES, [_row(page, results) for page in searches]), "",
        *_table(_STUDIES, [_study_row(page, results) for page in others]), "",
        "† Not comparable with the paper in a claim that the page names.",
    ])  # fmt: skip
    _write(path, text.rstrip("\n") + "\n")
    for page in pages:
        _show_claims(page)
    write_claims(results)
    return path


def _show_claims(page: Path) -> None:
    """Updates the region `claims` of a page; an old page gets one below `seen`."""
    table, text = claims_table(page.parent), page.read_text(encoding="utf-8")
    shown = region("claims", to_markdown([table]).strip() if table else "")
    if "<!-- claims -->" in text:
        text = re.sub(r"<!-- claims -->.*<!-- /claims -->", lambda _: shown, text, flags=re.DOTALL)
    else:
        text = text.replace("<!-- /seen -->", f"<!-- /seen -->\n\n{shown}", 1)
    _write(page, text)


_SEARCHES = ["experiment", "metric", "dense", "sparsest `winning` within 1 sd of dense",
             "value ÷ dense there", "near 67 % pruned", "near 90 % pruned",
             "other methods, at their sparsest level", "what the paper says"]  # fmt: skip
_STUDIES = ["study", "our result", "what the paper says"]


def _table(header: list[str], rows: list[list[str]]) -> list[str]:
    cells = (header, ["---"] * len(header), *rows) if rows else ()
    return ["| " + " | ".join(row) + " |" for row in cells]


def _write(path: Path, text: str) -> None:
    write_whole(path, lambda temporary: temporary.write_bytes(text.encode()))


def _row(page: Path, results: Path) -> list[str]:
    shown = results_by_task(page.parent)[0]
    return [_link(page, results), inline(shown.metric), *numbers(shown),
            _studied(shown), _cell(page, "paper")]  # fmt: skip


def _studied(results: Results) -> str:
    """Returns up to three methods that are neither `winning` nor a control, the best at the end.

    Methods named by a claim come first.
    """
    methods = {*LEARNED, *(arm for arms in FAMILIES.values() for arm in arms)}
    claimed = {word for c in results.facts.get("claims", ()) for word in c["compare"].split()}
    sign = -1 if results.higher_is_better else 1
    last = [
        levels(results.rows, arm)[-1]
        for arm in without_sanity_controls(results).arms
        if arm in methods
    ]
    last.sort(key=lambda level: (level.arm not in claimed, sign * level.mean))
    cells = [f"`{level.arm}` {ratio_cell(results, level.arm, level)}" for level in last[:3]]
    return "; ".join(cells) or "–"


def _study_row(page: Path, results: Path) -> list[str]:
    return [_link(page, results), _cell(page, "seen"), _cell(page, "paper")]


def _link(page: Path, results: Path) -> str:
    name = page.parent.relative_to(results).as_posix()
    claims = read_config(RunPaths(page.parent)).get("claims", ())
    mark = " †" if any(claim.get("not_comparable") for claim in claims) else ""
    return f"[{name}]({page.relative_to(results).as_posix()}){mark}"


def _cell(page: Path, name: str) -> str:
    """Returns a region of a page as the text of one cell."""
    text = " ".join(kept(page.read_text(encoding="utf-8"), name).split())
    return text.replace("|", "\\|") or "–"


def numbers(results: Results) -> list[str]:
    """Returns dense, the sparsest level that matches it, and value ÷ dense at three levels."""
    if not results.rows:
        return ["–"] * 5
    unit, dense = unit_of(results.rows), dense_level(results.rows)
    cells = [f"{unit.spread(dense.mean, dense.sd)}{unit.symbol} ({dense.n})" if dense else "–"]
    if results.main is None:
        return [*cells, "–", "–", "–", "–"]
    match = sparsest_match(results.rows, results.main, results.higher_is_better)
    cells.append(f"{percent(match.remaining)} remaining" if match else "–")
    for level in (match, *(nearest_level(results.rows, results.main, s) for s in (0.67, 0.90))):
        cells.append(ratio_cell(results, results.main, level))
    return cells


def region(name: str, text: str) -> str:
    """Returns a marked region."""
    return (
        f"<!-- {name} -->\n{text}\n<!-- /{name} -->"
        if text
        else f"<!-- {name} -->\n<!-- /{name} -->"
    )


def kept(page: str, name: str) -> str:
    """Returns the text of a marked region; empty if there is none."""
    match = re.search(rf"<!-- {name} -->\n(.*?)\n?<!-- /{name} -->", page, re.DOTALL)
    return match.group(1).strip("\n") if match else ""
