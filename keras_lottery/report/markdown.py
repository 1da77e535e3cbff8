"""A document as Markdown."""

from collections.abc import Sequence
from functools import singledispatch
from typing import Any

from keras_lottery.report.document import Bullets, Details, Heading, Image, Table, Text


def to_markdown(blocks: Sequence[Any]) -> str:
    """Returns the Markdown of a document's blocks; images are links to files beside it."""
    return "\n\n".join(_render(block) for block in blocks) + "\n"


@singledispatch
def _render(block: object) -> str:
    raise TypeError(f"Expected a block of a document. Received: {block!r}.")


@_render.register
def _(block: Heading) -> str:
    return f"{'#' * block.level} {block.text}"


@_render.register
def _(block: Text) -> str:
    return block.text


@_render.register
def _(block: Bullets) -> str:
    return "\n".join(f"- {item}" for item in block.items)


@_render.register
def _(block: Image) -> str:
    return f"![{block.alt}]({block.file})\n\n*{block.caption}*"


@_render.register
def _(block: Table) -> str:
    title = f"**{block.title}**" if block.title else ""
    return "\n\n".join(filter(None, [title, _table(block), block.note]))


@_render.register
def _(block: Details) -> str:
    inside = "\n\n".join(_render(table) for table in block.tables)
    return f"<details><summary>{block.summary}</summary>\n\n{inside}\n\n</details>"


def _table(table: Table) -> str:
    lines = [_line(table.header), "|" + " --- |" * len(table.header), *map(_line, table.rows)]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
