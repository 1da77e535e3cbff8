"""The results kept in the repository."""

import json
import re
from pathlib import Path

import pytest

from keras_lottery import report
from keras_lottery.errors import LotteryError
from keras_lottery.records import read_table

from .made_run import SHAPES, make_run


def test_a_page_holds_the_tables_the_figures_and_the_sentences(run: Path, tmp_path: Path) -> None:
    page = report.write_page(run, "frankle2019/lenet", tmp_path)
    folder = tmp_path / "frankle2019" / "lenet"
    assert page == folder / "page.md"
    for name in ("results.csv", "metrics.csv", "config.json"):
        assert (folder / name).read_bytes() == (run / name).read_bytes()
    text = page.read_text()
    assert all((folder / name).exists() for name in ("tickets.png", "speed.png", "overlap.png"))
    # The sentences follow from the files that are kept, without the run.
    assert all(sentence in text for sentence in report.headline(folder))
    # So do densities and overlaps, from their tables.
    page.write_text(text.replace("winning", "lost", 1))
    assert report.write_page(folder, "frankle2019/lenet", tmp_path).read_text() == text
    assert "<summary>Densities" in text and "<summary>Overlaps" in text
    arms = {row["arm"] for row in read_table(folder / "densities.csv")}
    assert arms == {"winning", "reinit", "permuted_layer"}


def test_free_text_survives_and_the_rest_is_regenerated(few: Path, tmp_path: Path) -> None:
    page = report.write_page(few, "made", tmp_path)
    first = page.read_text()
    assert "What the paper says:" not in first
    written = first.replace("<!-- head -->", "<!-- head -->\nMy words.\n\nTwo paragraphs.")
    written = written.replace("<!-- paper -->", "<!-- paper -->\nback to dense at 3.6 % | Fig. 1")
    page.write_text(written.replace("by weights remaining", "lost"))
    report.write_page(few, "made", tmp_path)
    text = page.read_text()
    assert "My words.\n\nTwo paragraphs." in text and "lost" not in text
    assert "What the paper says:\n\n<!-- paper -->\nback to dense" in text
    report.write_page(few, "made", tmp_path)
    assert page.read_text() == text
    assert "back to dense at 3.6 % \\| Fig. 1 |" in (tmp_path / "index.md").read_text()


def test_the_index_has_a_row_an_experiment(bare: Path, tmp_path: Path) -> None:
    report.write_page(bare, "b", tmp_path)
    lower = make_run(tmp_path / "runs" / "x", lower=True, masks=False, seeds=[0, 1])
    report.write_page(lower, "a", tmp_path)
    (tmp_path / "validation").mkdir()
    (tmp_path / "validation" / "page.md").write_text("No run stands behind this page.")
    index = tmp_path / "index.md"
    index.write_text(index.read_text().replace("<!-- head -->", "<!-- head -->\nRead me."))
    lines = report.write_index(tmp_path).read_text().splitlines()
    assert "Read me." in lines
    rows = [line for line in lines if line.startswith("| [")]
    assert [line.split("]")[0] for line in rows] == ["| [a", "| [b"]
    assert "3.52 % remaining" in rows[1] and "at 67.2 %" in rows[1] and "at 89.3 %" in rows[1]
    assert len({line.count("|") for line in rows}) == 1


def test_the_index_marks_what_is_not_comparable(few: Path, tmp_path: Path) -> None:
    page = report.write_page(few, "a", tmp_path)
    assert "[a](a/page.md) |" in (tmp_path / "index.md").read_text()
    config = page.parent / "config.json"
    claim = {"says": "A", "source": "B 2019, figure 1", "compare": "winning > reinit",
             "not_comparable": "another game"}  # fmt: skip
    config.write_text(json.dumps(json.loads(config.read_text()) | {"claims": [claim]}))
    assert "[a](a/page.md) † |" in report.write_index(tmp_path).read_text()


def test_a_run_without_winning_has_a_row_too(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", seeds=[0], arms=(), masks=False)
    report.write_page(run, "dense", tmp_path / "results")
    assert "| – | – | – | – | – |" in (tmp_path / "results" / "index.md").read_text()


def test_the_index_names_the_studied_method_the_best_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SHAPES, "edge_popup", (0.005, 1.0))
    monkeypatch.setitem(SHAPES, "edge_popup_signed", (0.005, 4.5))
    arms = ("edge_popup", "edge_popup_signed", "reinit")
    run = make_run(tmp_path / "run", arms=arms, rounds=8, masks=False)
    report.write_page(run, "learned", tmp_path / "results")
    row = (tmp_path / "results" / "index.md").read_text().split("| [learned]")[1]
    assert re.search(
        r"\| `edge_popup_signed` [\d.]+ at 83.2 %; `edge_popup` [\d.]+ at 83.2 % \|", row
    )
    assert "`reinit`" not in row


@pytest.mark.parametrize("name", ["", "../x", "a b", "/x", "a/"])
def test_a_name_that_is_no_folder_is_an_error(bare: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(LotteryError, match="Expected a name"):
        report.write_page(bare, name, tmp_path)
