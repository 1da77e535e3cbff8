"""A document as Markdown."""

import re
from collections.abc import Sequence
from functools import singledispatch

from keras_lottery.errors import printable
from keras_lottery.report.document import Block, Bullets, Code, Details, Heading, Image, Table, Text


def to_markdown(blocks: Sequence[Block]) -> str:
    """Returns the Markdown of a document's blocks; images link to files next to it."""
    return "\n\n".join(_render(block) for block in blocks) + "\n"


@singledispatch
def _render(block: object) -> str:
    raise TypeError(f"Expected a block of a document. Received: {block!r}.")


@_render.register
def _(block: Heading) -> str:
    return f"{'#' * block.level} {inline(block.text)}"


@_render.register
def _(block: Text) -> str:
    return inline(block.text)


@_render.register
def _(block: Code) -> str:
    return "    " + printable(block.text).replace("\n", " ")


@_render.register
def _(block: Bullets) -> str:
    return "\n".join(f"- {inline(item)}" for item in block.items)


@_render.register
def _(block: Image) -> str:
    return f"![{inline(block.alt)}]({inline(block.file)})\n\n*{inline(block.caption)}*"


@_render.register
def _(block: Table) -> str:
    title = f"**{inline(block.title)}**" if block.title else ""
    return "\n\n".join(filter(None, [title, _table(block), inline(block.note)]))


@_render.register
def _(block: Details) -> str:
    inside = "\n\n".join(_render(table) for table in block.tables)
    return f"<details><summary>{inline(block.summary)}</summary>\n\n{inside}\n\n</details>"


def _table(table: Table) -> str:
    lines = [_line(table.header), "|" + " --- |" * len(table.header), *map(_line, table.rows)]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(inline(cell).replace("|", "\\|") for cell in cells) + " |"


def inline(text: str) -> str:
    """Returns text on one line, with HTML tags and links escaped.

    Names come from data. Tags are escaped within backquotes, too, although Markdown then shows
    `&lt;`: the data may contain backquotes as well.
    """
    line = printable(text).replace("\n", " ").replace("](", "]\\(")
    return re.sub(r"<(?=[A-Za-z/!?])", "&lt;", line)
