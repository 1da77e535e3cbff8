"""The tutorials run from start to end on small sizes; the notebooks are those of their scripts."""

from pathlib import Path

import keras
import pytest

pytest.importorskip("nbclient")

import nbformat

from website.notebooks import converted
from website.write_notebooks import TUTORIALS, execute, read

SMALL = {
    "prune_and_ship": {"EPOCHS": 2},
    "find_a_winning_ticket": {"EPOCHS": 2, "ROUNDS": 2},
    "ticket_in_an_agent": {"FRAMES": 600, "EPOCHS": 2, "HIDDEN": (8,)},
}
ON_TENSORFLOW = ("ticket_in_an_agent",)


def outputs(notebook, kind):
    found = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return [output for output in found if kind in output.get("data", {})]


def printed(notebook):
    """Yields the outputs that a notebook shows as text."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if "text/html" not in data:
                yield output.get("text", "") + data.get("text/plain", "")


def test_there_is_a_notebook_for_each_script():
    assert {path.stem for path in TUTORIALS.glob("*.py")} == SMALL.keys()


@pytest.mark.parametrize("name", SMALL)
def test_a_notebook_is_that_of_its_script(name):
    stored = nbformat.read(TUTORIALS / f"{name}.ipynb", as_version=4)
    script = read(TUTORIALS / f"{name}.py")
    assert [cell.source for cell in stored.cells] == [cell.source for cell in script.cells]
    assert outputs(stored, "image/png")
    nbformat.validate(stored)


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[pytest.mark.tensorflow] * (n in ON_TENSORFLOW)) for n in SMALL],
)
def test_a_tutorial_runs(name, monkeypatch, tmp_path):
    if name in ON_TENSORFLOW:
        pytest.importorskip("tf_agents")
    monkeypatch.setenv("KERAS_BACKEND", keras.config.backend())
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    notebook = read(TUTORIALS / f"{name}.py")
    execute(notebook, **SMALL[name])
    assert outputs(notebook, "image/png")
    assert "\x1b[" not in "".join(map(str, printed(notebook)))  # no codes of a terminal


def test_a_notebook_becomes_a_page_with_its_figures():
    path = Path(TUTORIALS / "find_a_winning_ticket.ipynb")
    pages = converted(path, "tutorials/find_a_winning_ticket.ipynb")
    text = pages.pop("tutorials/find_a_winning_ticket.md")
    assert text.startswith("# Find a winning ticket") and "```python" in text
    assert pages and all(content.startswith(b"\x89PNG") for content in pages.values())
    assert all(uri.removeprefix("tutorials/") in text for uri in pages)
