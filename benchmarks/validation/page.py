"""The page of docs/results/validation/; every number and comparison comes from its tables."""

from pathlib import Path
from typing import Any

from benchmarks.validation.section_seeds import overlap_section, seeds_section
from benchmarks.validation.section_torch import cuts_section, losses_section
from benchmarks.validation.tables import Tables, read
from keras_lottery.files import write_text
from keras_lottery.report.build import write_figures
from keras_lottery.report.document import Heading, Table, Text
from keras_lottery.report.markdown import to_markdown
from keras_lottery.report.plots import Drawing

INTRODUCTION = (
    "This page checks the package against independent references. `make results/validation` "
    "regenerates it: all comparisons and numbers are computed from the CSV files next to this page."
)
SWITCHED_OFF = (
    "`tests/validation/test_mutations.py` runs a small experiment with rewinding, the masks or the "
    "re-initialization of the controls switched off, and shows that the checks of "
    "`tests/invariants.py` then fail, each for its own mechanism only."
)


def write(folder: Path) -> Path:
    """Draws the figures and writes page.md from the tables in `folder`."""
    blocks, drawings = content(read(folder))
    write_figures(drawings, folder)
    page = folder / "page.md"
    write_text(page, to_markdown(blocks))
    return page


def content(tables: Tables) -> tuple[list[Any], list[Drawing]]:
    """Returns the blocks of the page and its figures."""
    drawings: list[Drawing] = []
    blocks = [
        Heading("Validation", 1),
        Text(INTRODUCTION),
        *cuts_section(tables),
        *losses_section(tables, drawings),
        *seeds_section(tables, drawings),
        *overlap_section(tables, drawings),
        Heading("Checks fail without the mechanism"),
        Text(SWITCHED_OFF),
        Heading("Versions"),
        _facts(tables),
    ]
    return blocks, drawings


def _facts(tables: Tables) -> Table:
    versions = tables.facts["versions"]
    rows = [[name, str(text)] for name, text in sorted(versions.items())]
    rows.append(["runs on the digits", str(tables.facts["backend of the runs on the digits"])])
    return Table("", ["software", "version"], rows)
