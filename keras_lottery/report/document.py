"""A report as blocks, so that the HTML page and the Markdown page say the same."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Heading:
    """A heading of level 1 to 3."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Text:
    """A paragraph; words in `backquotes` are names."""

    text: str


@dataclass(frozen=True)
class Bullets:
    """A list of sentences; `strong` ones are what the page is about."""

    items: Sequence[str]
    strong: bool = False


@dataclass(frozen=True)
class Image:
    """A PNG beside the page, its caption, and its text for those who cannot see it."""

    file: str
    caption: str
    alt: str


@dataclass(frozen=True)
class Table:
    """A table of text.

    Args:
        title: what it holds; empty where the heading says it.
        header: names of its columns.
        rows: one list of cells a row; the first cell names the row.
        note: how to read it.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True)
class Details:
    """Tables that are folded away at first."""

    summary: str
    tables: Sequence[Table]
