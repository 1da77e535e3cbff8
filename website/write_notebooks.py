"""Writes the notebooks of docs/tutorials/ from their scripts, with the outputs of a run.

python -m website.write_notebooks [names]
"""

import sys
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

TUTORIALS = Path(__file__).resolve().parents[1] / "docs" / "tutorials"


def read(script: Path) -> nbformat.NotebookNode:
    """Returns a tutorial as a notebook without outputs; its cells are numbered."""
    notebook = jupytext.read(script)
    notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"{script.stem}-{number}"
    return notebook


def execute(notebook: nbformat.NotebookNode, **parameters: object) -> None:
    """Runs a notebook in place.

    Args:
        notebook: its cell tagged `parameters` has the defaults.
        parameters: values that replace them.

    Raises:
        CellExecutionError: a cell fails.
    """
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", ()):
            cell.source += "".join(f"\n{name} = {value!r}" for name, value in parameters.items())
    NotebookClient(notebook, timeout=None, kernel_name="python3").execute(cwd=str(TUTORIALS))


def kept(cell: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """Returns the outputs to store: no messages of libraries, and no bars of progress."""
    if "progress" in cell.metadata.get("tags", ()):
        return []
    return [output for output in cell.outputs if output.get("name") != "stderr"]


def main(names: list[str]) -> None:
    """Writes the notebooks with these names, or all."""
    for script in sorted(TUTORIALS.glob("*.py")):
        if not names or script.stem in names:
            notebook = read(script)
            execute(notebook)
            for cell in notebook.cells:
                cell.metadata.pop("execution", None)  # times of day
                if cell.cell_type == "code":
                    cell.outputs = kept(cell)
            nbformat.write(notebook, script.with_suffix(".ipynb"))


if __name__ == "__main__":
    main(sys.argv[1:])
