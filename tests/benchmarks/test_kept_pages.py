"""The pages of docs/results: what they say and the files that they show."""

import re
from pathlib import Path

import pytest

from keras_lottery.report.claims import verdicts
from keras_lottery.report.kept_results import kept
from keras_lottery.report.verdicts import NOT_COMPARABLE

RESULTS = Path(__file__).parents[2] / "docs" / "results"
PAGES = sorted(path.parent for path in RESULTS.glob("*/config.json"))


def first_paragraph(folder: Path) -> str:
    return kept((folder / "page.md").read_text("utf-8"), "head").split("\n\n")[0]


@pytest.mark.parametrize("folder", PAGES, ids=lambda folder: folder.name)
def test_a_page_whose_claim_is_not_comparable_says_so_first(folder: Path) -> None:
    judged = [verdict.verdict for verdict in verdicts(folder)]
    assert NOT_COMPARABLE not in judged or "not comparable" in first_paragraph(folder).lower()


def test_undertrained_translation_says_that_dense_has_not_converged() -> None:
    folders = [folder for folder in PAGES if folder.name.startswith("multi30k")]
    assert folders
    for folder in folders:
        undertrained = any("undertrained" in v.claim.not_comparable for v in verdicts(folder))
        assert not undertrained or "has not converged" in first_paragraph(folder)


@pytest.mark.parametrize("folder", PAGES, ids=lambda folder: folder.name)
def test_a_page_shows_the_figures_in_its_folder(folder: Path) -> None:
    shown = re.findall(r"\]\(([^()]+\.png)\)", (folder / "page.md").read_text("utf-8"))
    assert sorted(shown) == sorted(path.name for path in folder.glob("*.png"))
