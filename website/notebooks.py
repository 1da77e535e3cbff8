"""Notebooks as pages: text, code and the stored outputs."""

from pathlib import Path, PurePosixPath

import nbformat
from nbconvert import MarkdownExporter


def converted(path: Path, uri: str) -> dict[str, str | bytes]:
    """Returns the page of a notebook and its figures, by their paths in the site.

    Args:
        path: the `.ipynb` file.
        uri: its path in the docs.
    """
    page = PurePosixPath(uri)
    notebook = nbformat.read(path, as_version=4)
    exporter = MarkdownExporter()
    figures = f"{page.stem}_files"
    resources = {"output_files_dir": figures, "unique_key": page.stem}
    body, resources = exporter.from_notebook_node(notebook, resources)
    parts: dict[str, str | bytes] = {str(page.with_suffix(".md")): body}
    for name, content in resources["outputs"].items():
        parts[str(page.parent / name)] = content
    return parts
