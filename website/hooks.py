"""MkDocs' entry point: adds the generated pages, and checks that the site needs no network."""

import inspect
import re
import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # MkDocs loads this file by its path

from keras_lottery.engine.algorithm import iterative_magnitude_pruning  # noqa: E402
from website import api, commands, gallery, links, notebooks, sections  # noqa: E402

GENERATED = {
    **api.PAGES,
    **sections.PAGES,
    "reference/commands.md": commands.page,
    "results/gallery.md": gallery.page,
}
"""Pages that are made from the package, by their path in the site."""

WIDE = ("results/claims.md", "results/index.md", "results/presets.md")
"""Pages with tables of many columns: they get the width of both sidebars."""

_RESULTS = (
    "[Claims](claims.md) · [Gallery](gallery.md) · [Table of experiments](index.md) · "
    "[What you get](../what_you_get.md) · [Presets](presets.md)"
)

_PERCENT = re.compile(r"<(pre|code)\b.*?</\1>|(?<=\d) (?=%)", re.DOTALL)
_REMOTE = re.compile(r"""<(?:script|link|img|iframe)\b[^>]*?\b(?:src|href)=.(?:https?:)?//[^>]*>""")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Completes the navigation: a page for each experiment and for each public name."""
    replaced = {
        "EXPERIMENTS": [{name: f"results/{name}/page.md"} for name in gallery.experiments()],
        "API": api.navigation(),
        "EXAMPLES": [{path.name: page} for path, page in links.examples().items()],
    }
    config.nav = _completed(config.nav, replaced)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the generated pages, the notebooks and the pages that the repository keeps elsewhere."""
    for uri, write in GENERATED.items():
        files.append(File.generated(config, uri, content=write()))
    for file in [file for file in files if file.src_uri.endswith(".ipynb")]:
        files.remove(file)
        for uri, content in notebooks.converted(Path(str(file.abs_src_path)), file.src_uri).items():
            files.append(File.generated(config, uri, content=content))
    for uri, content in links.pages().items():
        files.append(File.generated(config, uri, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Points links to files of the repository at their pages, and includes the algorithm."""
    if page.file.src_uri in WIDE:
        page.meta["hide"] = ["navigation", "toc"]
        heading, _, rest = markdown.partition("\n")
        markdown = f"{heading}\n\n{_RESULTS}\n{rest}"
    code = f"```python\n{inspect.getsource(iterative_magnitude_pruning)}```"
    text = links.rewritten(markdown, page.file.src_uri).replace("<!-- algorithm -->", code)
    return text.replace("<details>", '<details markdown="1">')  # so that tables in it are tables


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Keeps a number and its percent sign on one line, outside of code."""
    return _PERCENT.sub(lambda match: match[0] if match[1] else "&nbsp;", html)


def on_post_build(config: MkDocsConfig) -> None:
    """Checks that no page loads a script, a style sheet or an image from the network."""
    for path in Path(config.site_dir).rglob("*.html"):
        if found := _REMOTE.search(path.read_text(encoding="utf-8")):
            raise PluginError(
                f"Expected a site that needs no network. Received: {found[0]} in {path}. "
                "Put the file into docs/assets/."
            )


def _completed(item: object, replaced: dict[str, list[dict[str, str]]]) -> object:
    """Returns a part of the navigation with placeholders replaced by pages."""
    if isinstance(item, list):
        return [_completed(part, replaced) for part in item]
    if isinstance(item, dict):
        return {title: _completed(part, replaced) for title, part in item.items()}
    return replaced.get(str(item), item)
