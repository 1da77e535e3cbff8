"""A document as Markdown."""

from collections.abc import Sequence
from functools import singledispatch
from typing import Any

from keras_lottery.report.document import Bullets, Details, Heading, Image, Table, Text
from keras_lottery.text import printable


def to_markdown(blocks: Sequence[Any]) -> str:
    """Returns the Markdown of a document's blocks; images are links to files beside it."""
    return "\n\n".join(_render(block) for block in blocks) + "\n"


@singledispatch
def _render(block: object) -> str:
    raise TypeError(f"Expected a block of a document. Received: {block!r}.")


@_render.register
def _(block: Heading) -> str:
    return f"{'#' * block.level} {_inline(block.text)}"


@_render.register
def _(block: Text) -> str:
    return _inline(block.text)


@_render.register
def _(block: Bullets) -> str:
    return "\n".join(f"- {_inline(item)}" for item in block.items)


@_render.register
def _(block: Image) -> str:
    return f"![{_inline(block.alt)}]({_inline(block.file)})\n\n*{_inline(block.caption)}*"


@_render.register
def _(block: Table) -> str:
    title = f"**{_inline(block.title)}**" if block.title else ""
    return "\n\n".join(filter(None, [title, _table(block), _inline(block.note)]))


@_render.register
def _(block: Details) -> str:
    inside = "\n\n".join(_render(table) for table in block.tables)
    return f"<details><summary>{_inline(block.summary)}</summary>\n\n{inside}\n\n</details>"


def _table(table: Table) -> str:
    lines = [_line(table.header), "|" + " --- |" * len(table.header), *map(_line, table.rows)]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_inline(cell).replace("|", "\\|") for cell in cells) + " |"


def _inline(text: str) -> str:
    """Returns text on one line that begins no HTML and no link.

    Names come from data. A `<` is escaped within backquotes too, where Markdown shows it as
    written: what is within them is up to the data as well.
    """
    line = printable(text).replace("\n", " ")
    return line.replace("<", "&lt;").replace("](", "]\\(")
