"""A summary's table, and how it looks: plain text, in a terminal, as HTML in a notebook."""

from dataclasses import dataclass
from html import escape

from rich.console import Group, JustifyMethod, RenderableType
from rich.table import Table
from rich.text import Text

from keras_lottery.errors import printable

BAR = 20
"""Characters of a bar at a density of 1."""
_HEADER = ("variable", "shape", "kept", "of", "density", "", "")
_EIGHTHS = " ▏▎▍▌▋▊▉"
_CELL = "padding:.15em .8em .15em 0;text-align:"


@dataclass(frozen=True)
class Row:
    """One variable.

    Args:
        path: structural path.
        shape: shape of the variable.
        kept: kept weights; all of them without a mask.
        size: number of weights.
        prunable: True if it has a mask.
        reason: why it has no mask.
    """

    path: str
    shape: tuple[int, ...]
    kept: int
    size: int
    prunable: bool
    reason: str = ""

    @property
    def density(self) -> float:
        """Fraction of the weights kept."""
        return self.kept / self.size if self.size else 1.0

    @property
    def note(self) -> str:
        """Why it has no mask; empty if it has one."""
        return "" if self.prunable else f"skipped: {self.reason}"


@dataclass(frozen=True)
class Summary:
    """A table of the weights of a model, with a bar per variable.

    Printing it prints the table, colored with `rich.print`; notebooks show it as HTML.

    Args:
        rows: one per variable.
        kept: kept weights among the prunable ones.
        prunable: weights that have a mask.
        total: all weights, without untrained states such as moving means.
        warnings: likely mistakes: most of the model cannot be pruned, a variable keeps almost no
            weights, or the output no longer depends on the input.
    """

    rows: tuple[Row, ...]
    kept: int
    prunable: int
    total: int
    warnings: tuple[str, ...] = ()

    @property
    def sparsity(self) -> float:
        """Fraction removed of the prunable weights."""
        return 1 - self.kept / self.prunable if self.prunable else 0.0

    def __rich__(self) -> RenderableType:
        return terminal(self)

    def __str__(self) -> str:
        return plain_text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return html(self)

    @property
    def sums(self) -> str:
        """One line with the totals."""
        if not self.prunable:
            return f"not masked yet: call kl.mask ({self.total:,} weights)"
        return (
            f"kept {self.kept:,} of {self.prunable:,} prunable weights "
            f"({1 - self.sparsity:.2%}; sparsity {self.sparsity:.2%}), "
            f"{self.kept + self.total - self.prunable:,} of {self.total:,} in all"
        )


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
