"""The gallery: a card for each experiment, with its figure and its result in a sentence."""

import re
from pathlib import Path

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "results"

_FIGURE = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<file>[^)]+)\)")
_SEEN = re.compile(r"<!-- seen -->\n(?P<text>.*?)\n<!-- /seen -->", re.DOTALL)
_INTRODUCTION = """# Gallery

Each card leads to the page of an experiment, with its settings, tables and intervals.
[Claims](claims.md) judges the papers by them; [the table](index.md) compares them in numbers.

<div class="grid cards" markdown>
"""


def experiments() -> list[str]:
    """Returns the names of the experiments with a page."""
    return sorted(path.parent.name for path in RESULTS.glob("*/page.md"))


def page() -> str:
    """Returns the gallery; experiments without a figure come last."""
    cards = sorted((_card(name) for name in experiments()), key=lambda card: "![" not in card)
    return "\n".join([_INTRODUCTION, *cards, "</div>", ""])


def _card(name: str) -> str:
    text = (RESULTS / name / "page.md").read_text("utf-8")
    lines = [f"-   **[{name}]({name}/page.md)**"]
    if figure := _FIGURE.search(text):
        lines += ["", f"    [![{figure['alt']}]({name}/{figure['file']})]({name}/page.md)"]
    if (seen := _SEEN.search(text)) and seen["text"].strip():
        sentence = seen["text"].strip().partition("\n")[0]
        lines += ["", f"    {sentence}"]
    return "\n".join([*lines, ""])
