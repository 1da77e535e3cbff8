"""The files of a report: complete, self-contained, the same every time."""

import base64
import io
import json
import re
from html import unescape
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from keras_lottery import report
from keras_lottery.errors import LotteryError, MissingExtraError
from keras_lottery.records import Records, check_tracked, read_results
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.report.document import Bullets, Details, Heading, Table, Text
from keras_lottery.report.html import to_html
from keras_lottery.report.markdown import to_markdown
from keras_lottery.types import Training
from tests.records.made_rows import row

from .made_run import SHAPES, make_run

PNG = b"\x89PNG\r\n\x1a\n"
FIGURES = ["tickets.png", "speed.png", "density.png", "overlap.png"]


class Page(HTMLParser):
    """Collects what a page refers to, and checks that its tags close."""

    def __init__(self) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.tags: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in ("img", "wbr", "meta"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def files(run: Path) -> report.ReportFiles:
    return report.build(run, tensorboard=False)


def test_every_file_is_there(run: Path, files: report.ReportFiles) -> None:
    assert [path.name for path in files.figures] == FIGURES
    for path in files.figures:
        assert path.parent == run / "report"
        assert path.read_bytes().startswith(PNG) and path.stat().st_size > 20_000
    assert files.figure.name == "tickets.png"
    assert files.headline == tuple(report.headline(run))


def test_the_page_is_self_contained(files: report.ReportFiles) -> None:
    text = files.html.read_text()
    page = Page()
    page.feed(text)
    assert page.open == []
    assert not {"script", "link", "iframe"} & set(page.tags)
    assert "http" not in text and "@import" not in text and "url(" not in text
    assert len(page.sources) == len(FIGURES)
    for source, path in zip(page.sources, files.figures, strict=True):
        kind, _, data = source.partition(";base64,")
        assert kind == "data:image/png" and base64.b64decode(data) == path.read_bytes()
    assert 'name="viewport"' in text and "prefers-color-scheme: dark" in text


def test_a_notebook_shows_the_page_in_a_frame(files: report.ReportFiles) -> None:
    frame = files._repr_html_()
    page = unescape(frame.partition('srcdoc="')[2].partition('"')[0])
    assert page == files.html.read_text("utf-8")


def test_both_pages_hold_the_sentences_the_numbers_and_the_settings(
    files: report.ReportFiles,
) -> None:
    html = re.sub(r"<[^>]+>", "", files.html.read_text())
    markdown = files.markdown.read_text()
    for sentence in files.headline:
        assert sentence in markdown
        assert sentence.replace("`", "") in html
    for text in (markdown, html):
        assert "Caveats" not in text
        for needle in ("Learning speed", "Paired differences", "prune.rates.output", "3.15.1"):
            assert needle in text
    assert all(f"]({name})" in markdown for name in FIGURES)
    widths = {line.count("|") for line in markdown.splitlines() if line.startswith("| round")}
    assert widths <= {6, 8, 9, 10}


def test_the_page_explains_arms_and_bytes_and_what_to_export(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a run", [0, 1], 2, ("winning", "reinit", "mine"), masks=False)
    files = report.build(run, tensorboard=False)
    text = files.markdown.read_text()
    assert "- `reinit`: Control: the ticket's mask with re-initialized weights." in text
    assert "- `mine`: An arm of another package." in text
    # 4 bytes for each of 50,610 weights; 50,200 bits and 40,161 + 410 weights
    assert "202,440 | 168,559" in text and "keras-lottery export" not in text
    for seed in (0, 1):
        trained = RunPaths(run).trained(Training("", "vision", seed, 2, "winning"))
        trained.parent.mkdir(parents=True, exist_ok=True)
        trained.write_bytes(b"")
    files = report.build(run, tensorboard=False)
    command = f"    keras-lottery export --run='{run}'"
    assert command in files.markdown.read_text()
    assert "<pre><code>keras-lottery export --run=&#x27;" in files.html.read_text()


def test_a_report_is_the_same_every_time(run: Path, files: report.ReportFiles) -> None:
    before = [path.read_bytes() for path in (files.html, files.markdown, *files.figures)]
    again = report.build(run, tensorboard=False)
    assert before == [path.read_bytes() for path in (again.html, again.markdown, *again.figures)]


ODD: list[dict[str, Any]] = [
    {"seeds": [0], "arms": ("winning",), "rounds": 2},
    {"arms": ()},
    {"arms": ("reinit",), "rounds": 3},
    {"seeds": [0, 1], "rounds": 3, "unfinished": [("winning", 3), ("reinit", 2)]},
    {"rounds": 2, "unfinished": [("dense", 0)]},
    {"rounds": 2, "arms": (*SHAPES, "mine"), "lower": True},
]


@pytest.mark.parametrize("options", [*ODD, *(one | {"masks": False} for one in (ODD[3], ODD[5]))])
def test_unfinished_and_odd_runs_get_a_report(tmp_path: Path, options: dict[str, Any]) -> None:
    run = make_run(tmp_path / "run", **options)
    files = report.build(run, tensorboard=False)
    figures = [path.name for path in files.figures]
    assert files.headline and figures[:1] == ["tickets.png"] * (options.get("arms") != ())
    Page().feed(files.html.read_text())


NAMES = ("<b>|x", "[red]y", "$z{$", "`<i>w`")


def test_names_from_outside_are_escaped(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", [0, 1], 2, ("winning", *NAMES), masks=True)
    files = report.build(run, tensorboard=False)
    html, markdown = files.html.read_text(), files.markdown.read_text()
    assert "<b>" not in html + markdown and "<i>" not in html + markdown
    assert "&lt;b>\\|x" in markdown and "[red]y" in markdown
    console = Console(width=300, record=True, file=io.StringIO())
    console.print(report.terminal_table(run))
    text = console.export_text()
    assert all(name in text for name in NAMES)


def test_a_page_takes_neither_html_nor_links_nor_escapes_from_data() -> None:
    blocks = [
        Heading("a\nb <script>x</script>"), Text("`<b>` ``<b>`"), Bullets(["<!-- x --> a < 1"]),
        Table("<b>t", ["[a](javascript:b)"], [["c\x1b[31m|d"]], "<b>n"), Details("</details>", []),
    ]  # fmt: skip
    page = to_markdown(blocks)
    for tag in ("<script", "<b", "<!--", "](", "\x1b"):
        assert tag not in page
    assert "## a b &lt;script>" in page and "a < 1" in page
    assert page.count("</details>") == 1
    assert "\x1b" not in to_html("t\x1b", blocks, Path())


def test_a_name_that_leads_out_of_the_run_folder_is_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path / "out" / "run", [0], 2, ("winning", "reinit"), masks=False)
    results = run / "results.csv"
    whole = results.read_text()
    before = sorted(path for path in tmp_path.rglob("*"))
    absolute = str(tmp_path / "x")
    for name in ("../../../../x", absolute, "..", "a\x1b[31m"):
        results.write_text(whole.replace(",vision,0,2,reinit,", f",vision,0,2,{name},"))
        with pytest.raises(LotteryError, match=r"row 6: expected the name of arms") as caught:
            report.build(run, tensorboard=True)
        assert "\x1b" not in str(caught.value)
        results.write_text(whole.replace(",vision,0,2,reinit,", f"{name},vision,0,2,reinit,"))
        with pytest.raises(LotteryError, match="row 6: expected the name of sources"):
            report.build(run, tensorboard=True)
        results.write_text(whole.replace(",vision,0,2,reinit,", f",{name},0,2,reinit,"))
        with pytest.raises(LotteryError, match="row 6: expected the name of tasks"):
            report.build(run, tensorboard=True)
    assert sorted(path for path in tmp_path.rglob("*")) == before


@pytest.mark.parametrize("link", ["report", "report/tensorboard", "report/wandb"])
def test_a_report_is_not_written_through_a_link(tmp_path: Path, link: str) -> None:
    run, outside = make_run(tmp_path / "run", rounds=1, masks=False), tmp_path / "outside"
    (outside / "tensorboard").mkdir(parents=True)
    (outside / "tensorboard" / "kept").write_text("")
    (run / link).parent.mkdir(exist_ok=True)
    (run / link).symlink_to(outside)
    with pytest.raises(LotteryError, match=r"inside the run folder.*outside"):
        report.build(run, tensorboard=True)
    assert sorted(p.name for p in outside.rglob("*")) == ["kept", "tensorboard"]


def test_a_tracker_that_fails_leaves_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unreachable:
        add = staticmethod(lambda row, history: None)

        def close(self) -> None:
            raise OSError("no route to host")

    run = make_run(tmp_path, masks=False, rounds=1, seeds=[0])
    module = import_module("keras_lottery.report.build")  # the package has a function of this name
    monkeypatch.setattr(module, "tracker", lambda *args: Unreachable())
    with pytest.raises(LotteryError, match=r"mlflow to take the run.*no route.*--track=mlflow"):
        report.build(run, tensorboard=False, trackers=("mlflow",))
    assert (run / "report/report.html").exists()
    with pytest.raises(LotteryError, match=r"other than 'tickets'.*mlflow.*'transfer'"):
        check_tracked("transfer", ("mlflow",))
    check_tracked("tickets", ("mlflow",))


def test_a_second_task_gets_its_own_figures(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", seeds=[0, 1], rounds=2, masks=False)
    records = Records(RunPaths(run))
    records.append(row(task="other", value=0.5, final_value=0.5))
    files = report.build(run, tensorboard=False)
    assert [f.name for f in files.figures] == ["tickets.png", "speed.png", "tickets-other.png"]
    assert files.headline[-1].startswith("other: Only the dense network")


def test_the_terminal_shows_the_numbers(run: Path, tmp_path: Path) -> None:
    dense = make_run(tmp_path / "dense", arms=(), masks=False)
    for folder, needles in (
        (run, ("3.52 %", "permuted_", "97.38 ± 0.55", "dense 96.75 ± 0.88 %", "n = 5")),
        (dense, ("100 %", "96.75 ± 0.88")),
    ):
        console = Console(width=80, record=True, file=io.StringIO())
        console.print(report.terminal_table(folder))
        text = console.export_text()
        assert all(needle in " ".join(text.split()) for needle in needles)
    assert len(text.splitlines()) < 13


def test_scalars_are_rewritten(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    run = make_run(tmp_path / "run", seeds=[0], rounds=2, masks=False)
    stale = RunPaths(run).tensorboard / "stale"
    stale.mkdir(parents=True)
    report.build(run)
    assert not stale.exists()
    events = list(RunPaths(run).tensorboard.rglob("*tfevents*"))
    rows = read_results(RunPaths(run).results)
    assert len(events) == len(rows) + len({r.arm for r in rows})


def test_scalars_asked_for_without_the_package(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keras_lottery.records.tensorboard.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError):
        report.build(bare, tensorboard=True)


def test_a_folder_that_is_no_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LotteryError, match="Expected a run folder"):
        report.build(tmp_path / "none")
    with pytest.raises(LotteryError, match="Expected a run folder"):
        report.headline(tmp_path)
    config = tmp_path / "config.json"
    for text, said in (("{", "readable JSON"), ("[]", "Received"), ('{"config": {}}', "config")):
        config.write_text(text)
        with pytest.raises(LotteryError, match=said):
            report.terminal_table(tmp_path)
    config.write_text(json.dumps({"config": {}, "higher_is_better": True}))
    with pytest.raises(LotteryError, match="at least one finished training"):
        report.build(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json"]
