"""How a summary looks: as plain text, in a terminal, and as HTML in a notebook."""

from collections.abc import Sequence
from html import escape
from typing import Protocol

from rich.console import Group, JustifyMethod, RenderableType
from rich.table import Table
from rich.text import Text

from keras_lottery.errors import printable

BAR = 20
"""Characters of a bar at a density of 1."""
_HEADER = ("variable", "shape", "kept", "of", "density", "", "")
_EIGHTHS = " ▏▎▍▌▋▊▉"
_CELL = "padding:.15em .8em .15em 0;text-align:"


class Row(Protocol):
    """The fields of a summary's row that are shown."""

    @property
    def path(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def kept(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def density(self) -> float: ...
    @property
    def prunable(self) -> bool: ...
    @property
    def note(self) -> str: ...


class Summary(Protocol):
    """The fields of a summary that are shown."""

    @property
    def rows(self) -> Sequence[Row]: ...
    @property
    def sums(self) -> str: ...
    @property
    def warnings(self) -> Sequence[str]: ...


def bar(density: float) -> str:
    """Returns a bar of up to `BAR` characters; any weight kept shows at least an eighth."""
    eighths = round(density * BAR * 8)
    if density > 0:
        eighths = max(eighths, 1)
    return ("█" * (eighths // 8) + _EIGHTHS[eighths % 8]).strip()


def plain_text(summary: Summary) -> str:
    """Returns the table as text of any width, so that no path is cut."""
    lines = [_HEADER, *map(_cells, summary.rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(6)]
    table = [
        f"{p:<{widths[0]}}  {s:<{widths[1]}}  {k:>{widths[2]}}  {n:>{widths[3]}}  "
        f"{d:>{widths[4]}}  {b:<{widths[5]}}  {note}".rstrip()
        for p, s, k, n, d, b, note in lines
    ]
    return "\n".join([*table, summary.sums, *(f"warning: {text}" for text in summary.warnings)])


def terminal(summary: Summary) -> RenderableType:
    """Returns the table for rich's console, as wide as the terminal."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for i, name in enumerate(_HEADER):
        side: JustifyMethod = "right" if 2 <= i <= 4 else "left"
        # Only the reasons wrap, unless the terminal is very narrow.
        table.add_column(name, justify=side, overflow="fold", no_wrap=i < len(_HEADER) - 1)
    for row in summary.rows:
        path, shape, kept, size, density, drawn, note = map(Text, map(printable, _cells(row)))
        drawn.stylize("cyan")
        style = "" if row.prunable else "dim"
        table.add_row(path, shape, kept, size, density, drawn, note, style=style)
    warnings = (Text(printable(f"warning: {text}"), "yellow") for text in summary.warnings)
    return Group(table, Text(summary.sums, "bold"), *warnings)


def html(summary: Summary) -> str:
    """Returns the table as HTML without scripts or style sheets."""
    head = "".join(_tag("th", name, i) for i, name in enumerate(_HEADER))
    body = "".join(map(_html_row, summary.rows))
    notes = "".join(f"<p>⚠ {escape(printable(text))}</p>" for text in summary.warnings)
    return (
        f'<div style="overflow-x:auto"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody>'
        f"</table></div><p><b>{escape(summary.sums)}</b></p>{notes}"
    )


def _html_row(row: Row) -> str:
    width = f"{row.density:.1%}"
    drawn = (
        '<td style="min-width:8em"><div style="background:#8883"><div style="background:#0072b2;'
        f'height:.8em;min-width:1px;width:{width}"></div></div></td>'
    )
    cells = [_tag("td", text, i) for i, text in enumerate(_cells(row))]
    cells[5] = drawn if row.prunable else "<td></td>"
    return f"<tr{'' if row.prunable else ' style=opacity:.6'}>{''.join(cells)}</tr>"


def _tag(name: str, text: str, column: int) -> str:
    side = "right" if 2 <= column <= 4 else "left"
    return f'<{name} style="{_CELL}{side}">{escape(printable(text))}</{name}>'


def _cells(row: Row) -> tuple[str, ...]:
    drawn = bar(row.density) if row.prunable else ""
    kept, size = f"{row.kept:,}", f"{row.size:,}"
    return row.path, str(row.shape), kept, size, f"{row.density:.2%}", drawn, row.note
