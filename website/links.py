"""Pages of the site that the repository keeps outside of docs/, and the links to them."""

import posixpath
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

_ELSEWHERE = {
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "BUILD.md": "building.md",
    "benchmarks/results.md": "benchmarks.md",
    "examples/README.md": "examples/index.md",
}
"""Files of the repository, and their pages in the site."""

_LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)\s#]+)(?=[#)])")

_CODE = re.compile(r"\[([^\[\]]+)\]\((?!\w+:)[^)\s]+\.py\)")
"""A link to code that the site has no page of: pages that name such a file show its code."""


@cache
def examples() -> dict[Path, str]:
    """Returns the page of each example script."""
    return {path: f"examples/{path.stem}.md" for path in sorted((ROOT / "examples").glob("*.py"))}


def pages() -> dict[str, str]:
    """Returns the Markdown of every page that the repository keeps elsewhere, by its path."""
    texts = {page: (ROOT / file).read_text("utf-8") for file, page in _ELSEWHERE.items()}
    return texts | {page: _script(path) for path, page in examples().items()}


def rewritten(markdown: str, page: str) -> str:
    """Returns a page's Markdown with links between files of the repository as links in the site.

    Args:
        markdown: text of the page.
        page: its path in the site.
    """
    folder = posixpath.dirname(_sources().get(page, f"docs/{page}"))

    def replaced(match: re.Match[str]) -> str:
        file = posixpath.normpath(posixpath.join(folder, match[1]))
        target = _targets().get(file)
        if target is None and file.startswith("docs/"):
            target = file.removeprefix("docs/").replace(".ipynb", ".md")
        return match[1] if target is None else posixpath.relpath(target, posixpath.dirname(page))

    return _CODE.sub(r"\1", _LINK.sub(replaced, markdown))


@cache
def _targets() -> dict[str, str]:
    """Returns pages by the files of the repository that they show."""
    scripts = {path.relative_to(ROOT).as_posix(): page for path, page in examples().items()}
    return _ELSEWHERE | scripts


@cache
def _sources() -> dict[str, str]:
    return {page: file for file, page in _targets().items()}


def _script(path: Path) -> str:
    """Returns the page of an example: its code."""
    return f"# {path.name}\n\n```python\n{path.read_text('utf-8')}```\n"
