"""A report as blocks, so that the HTML and Markdown pages have the same content."""

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
class Code:
    """Lines to copy into a terminal."""

    text: str


@dataclass(frozen=True)
class Bullets:
    """A list of sentences; `strong` marks the headline."""

    items: Sequence[str]
    strong: bool = False


@dataclass(frozen=True)
class Image:
    """A PNG next to the page, its caption, and its alternative text."""

    file: str
    caption: str
    alt: str


@dataclass(frozen=True)
class Table:
    """A table of text.

    Args:
        title: its title; empty if the heading suffices.
        header: names of its columns.
        rows: one list of cells per row; the first cell names the row.
        note: explanation below it.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True)
class Details:
    """Collapsed tables."""

    summary: str
    tables: Sequence[Table]


Block = Heading | Text | Code | Bullets | Image | Table | Details
