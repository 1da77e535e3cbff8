"""A document as one self-contained HTML page, without scripts, fonts and network access."""

import base64
import re
from collections.abc import Sequence
from functools import singledispatch
from html import escape
from pathlib import Path

from keras_lottery.errors import printable
from keras_lottery.report.document import (
    Block,
    Bullets,
    Code,
    Details,
    Heading,
    Image,
    Table,
    Text,
)

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2125; --soft: #5c6670; --paper: #fff; --line: #dfe3e7;
  --wash: #f5f7f9; --mark: #0072b2; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e7ea; --soft: #9aa4ae; --paper: #15181b;
  --line: #32383e; --wash: #1d2125; --mark: #56b4e9; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 78rem; padding: 1rem 1rem 4rem; background: var(--paper);
  color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 1rem 0; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; padding-top: .5rem;
  border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
p, li { max-width: 46rem; }
ul.strong { border-left: 3px solid var(--mark); padding-left: .9rem; list-style: none; }
li { margin: .4rem 0; }
code { font: .9em ui-monospace, Menlo, Consolas, monospace; background: var(--wash);
  padding: .05em .3em; border-radius: 3px; }
figure { margin: 1rem 0; }
figure img { display: block; width: 100%; max-width: 46rem; height: auto; background: #fff;
  border-radius: 6px; padding: .4rem; border: 1px solid var(--line); }
figcaption, .note { color: var(--soft); font-size: .88rem; max-width: 46rem; margin-top: .4rem; }
.scroll { overflow-x: auto; margin: .5rem 0; max-width: 100%; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .3rem 0; }
th, td { padding: .25rem .6rem .25rem 0; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; }
table.text td, table.text th { text-align: left; white-space: normal; overflow-wrap: anywhere; }
table.text td:first-child { white-space: nowrap; }
td.long { white-space: normal; min-width: 11rem; text-align: left; }
thead th { color: var(--soft); font-weight: 600; white-space: normal; vertical-align: bottom; }
pre { background: var(--wash); padding: .6rem; border-radius: 6px; overflow-x: auto; }
pre code { padding: 0; }
@media (max-width: 40rem) {
  body { padding: .5rem .75rem 3rem; }
  h1 { font-size: 1.35rem; }
  .scroll th:first-child, .scroll td:first-child { position: sticky; left: 0;
    background: var(--paper); padding-right: .6rem; max-width: 9rem; min-width: 0;
    white-space: normal; overflow-wrap: anywhere; }
  figure { overflow-x: auto; }
  figure img { min-width: 34rem; }
  .scroll { border-right: 2px solid var(--line); }
  table.text td:first-child { white-space: normal; overflow-wrap: anywhere; min-width: 6rem; }
  code { overflow-wrap: anywhere; }
}
summary { cursor: pointer; color: var(--mark); margin: 1rem 0; }
"""


_SHORT = 24
"""Characters of the longest cell that doesn't wrap."""


def to_html(title: str, blocks: Sequence[Block], folder: Path) -> str:
    """Returns the page of a document's blocks; its images are read from `folder`."""
    body = "\n".join(_render(block, folder) for block in blocks)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(printable(title))}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


@singledispatch
def _render(block: object, folder: Path) -> str:
    raise TypeError(f"Expected a block of a document. Received: {block!r}.")


@_render.register
def _(block: Heading, folder: Path) -> str:
    return f"<h{block.level}>{_inline(block.text)}</h{block.level}>"


@_render.register
def _(block: Text, folder: Path) -> str:
    return f"<p>{_inline(block.text)}</p>"


@_render.register
def _(block: Code, folder: Path) -> str:
    return f"<pre><code>{escape(printable(block.text))}</code></pre>"


@_render.register
def _(block: Bullets, folder: Path) -> str:
    items = "".join(f"<li>{_inline(item)}</li>" for item in block.items)
    return f"<ul{' class=strong' if block.strong else ''}>{items}</ul>"


@_render.register
def _(block: Image, folder: Path) -> str:
    data = base64.b64encode((folder / block.file).read_bytes()).decode()
    return (
        f'<figure><img alt="{escape(printable(block.alt))}" src="data:image/png;base64,{data}">'
        f"<figcaption>{_inline(block.caption)}</figcaption></figure>"
    )


@_render.register
def _(block: Table, folder: Path) -> str:
    head = "".join(f"<th scope=col>{_breakable(cell)}</th>" for cell in block.header)
    rows = "".join(f"<tr>{''.join(map(_data_cell, row))}</tr>\n" for row in block.rows)
    note = f'<p class="note">{_inline(block.note)}</p>' if block.note else ""
    title = f"<caption>{_inline(block.title)}</caption>" if block.title else ""
    kind = " class=text" if len(block.header) == 2 else ""
    return (
        f"<div class=scroll><table{kind}>{title}"
        f"<thead><tr>{head}</tr></thead>\n<tbody>{rows}</tbody></table></div>{note}"
    )


@_render.register
def _(block: Details, folder: Path) -> str:
    inside = "".join(_render(table, folder) for table in block.tables)
    return f"<details><summary>{_inline(block.summary)}</summary>{inside}</details>"


def _data_cell(text: str) -> str:
    """Returns a cell; sentences wrap, numbers don't."""
    kind = " class=long" if len(text) > _SHORT else ""
    return f"<td{kind}>{_inline(text)}</td>"


def _breakable(name: str) -> str:
    """Returns the name of a column, which may break after an underscore."""
    return _inline(name).replace("_", "_<wbr>")


def _inline(text: str) -> str:
    """Escapes the text; shows words in backquotes as code, and in asterisks as emphasis."""
    return _MARKS.sub(_marked, escape(printable(text)))


_MARKS = re.compile(r"`([^`]+)`|\*\*(\w[^*`]*)\*\*|(?<!\w)\*(\w[^*`]*)\*(?!\w)")


def _marked(match: re.Match[str]) -> str:
    tag = ("code", "strong", "em")[(match.lastindex or 1) - 1]
    return f"<{tag}>{match[match.lastindex or 1]}</{tag}>"
