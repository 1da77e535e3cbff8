"""Declared claims on the pages, and the table of all of them."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from keras_lottery import report
from keras_lottery.errors import LotteryError
from keras_lottery.report.claims import claims_table, verdicts, write_claims

from .made_run import make_run

BETTER = {
    "says": "Tickets beat reinitialized ones.",
    "source": "A 2019 (1), figure 1",
    "compare": "winning > reinit",
    "remaining": [0.0, 0.1],
    "post_hoc": False,
}


def declare(run: Path, *claims: dict) -> None:
    config = run / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"claims": claims}))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = make_run(tmp_path_factory.mktemp("claims"), masks=False)
    declare(
        run,
        BETTER,
        BETTER | {"compare": "reinit == winning within 0.001", "post_hoc": True},
        BETTER | {"compare": "one_shot > reinit"},  # not among the run's arms
    )
    return run


@pytest.fixture
def run(template: Path, tmp_path: Path) -> Path:
    return shutil.copytree(template, tmp_path / "run")


def test_a_run_judges_the_claims_whose_arms_it_trains(run: Path) -> None:
    better, equal = verdicts(run)
    assert (better.verdict, better.n, better.post_hoc) == ("agrees", 5, False)
    assert (equal.verdict, equal.post_hoc) == ("disagrees", True)
    assert better.low < better.mean < better.high


def test_the_table_shows_what_was_declared_and_what_was_not(run: Path) -> None:
    table = claims_table(run)
    assert "this page's claims" in table.note
    first, second = table.rows
    assert first[1] == "**agrees**"
    assert second[1] == "**disagrees** (post hoc)"
    assert "winning > reinit" in first[2] and "≤ 10.0 % remaining" in first[2]
    assert first[6] == "0.031"  # 1/2^5: all five seeds point the same way
    assert first[7] == "0.062"  # two comparisons of one paper


def test_p_is_shown_from_five_seeds_on_and_a_verdict_from_two_says_so(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", masks=False, seeds=(0, 1))
    declare(run, BETTER | {"post_hoc": True})
    (row,) = claims_table(run).rows
    assert row[1] == "**agrees** (two seeds, post hoc)"
    assert row[5:8] == ["2", "–", "–"]


def test_a_seed_whose_training_diverged_is_left_out(run: Path) -> None:
    with (run / "results.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    for row in rows:
        if row[header.index("seed")] == "4" and row[header.index("arm")] == "winning":
            row[header.index("status")], row[header.index("value")] = "diverged", "nan"
    with (run / "results.csv").open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    better, _ = verdicts(run)
    assert (better.verdict, better.n) == ("agrees", 4)


def test_a_run_without_claims_has_no_table(tmp_path: Path) -> None:
    assert claims_table(make_run(tmp_path, masks=False, rounds=1, seeds=[0])) is None


def test_all_results_are_corrected_together_and_counted(run: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    for name in ("one", "two"):
        page = report.write_page(run, name, results)
        assert "winning > reinit" in page.read_text()
    text = write_claims(results).read_text()
    assert "4 comparisons: 2 *agrees*, 2 *disagrees*. 2 were declared before" in text
    assert text.count("| 0.125 |") == 2  # four comparisons of the paper: 4 · 1/2^5
    assert "[one](one/page.md)" in text
    assert "| A 2019 (1) | 2 | 2 | 0 | 0 |" in text
    assert "\n## A 2019 (1)\n" in text and "| figure 1 |" in text  # the heading names the paper


def test_an_old_page_gains_its_claims_below_what_was_seen(few: Path, tmp_path: Path) -> None:
    run, results = shutil.copytree(few, tmp_path / "run"), tmp_path / "results"
    declare(run, BETTER)
    page = report.write_page(run, "one", results)
    new = page.read_text()
    head, _, tail = new.partition("<!-- claims -->")
    page.write_text(head.rstrip() + tail.partition("<!-- /claims -->")[2])
    report.write_index(results)
    assert page.read_text().split() == new.split()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"compare": 3.5}, "compare"),
        ({"field": "__class__"}, "field"),
        ({"nope": 1}, "nope"),
        ({"remaining": ["a", 1]}, "remaining"),
        ({"target": "../../other"}, "claims.target"),
    ],
)
def test_claims_that_mean_nothing_are_refused(run: Path, change: dict, said: str) -> None:
    declare(run, BETTER | change)
    with pytest.raises(LotteryError, match=said):
        verdicts(run)
