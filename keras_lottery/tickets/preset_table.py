"""The table of the tickets that ship with the package."""

import textwrap

from rich.table import Table

from keras_lottery.errors import printable
from keras_lottery.tickets.card import spoken_difference
from keras_lottery.tickets.ticket import preset_facts

_HEADER = ("ticket", "kept", "value", "dense")


def preset_table() -> Table:
    """Returns one row per ticket: what it is, weights kept, and its value next to dense."""
    facts = preset_facts()
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in _HEADER:
        table.add_column(name, no_wrap=True)  # so that names can be copied
    table.add_column("difference from dense")
    width = max(map(len, facts))
    for name, known in facts.items():
        says, *cells = map(printable, preset_cells(known))
        lines = textwrap.wrap(says, width, initial_indent="  ", subsequent_indent="  ")
        table.add_row("\n".join([name, *lines]), *cells)
    return table


def preset_cells(known: dict[str, object]) -> tuple[str, ...]:
    """Returns what it is, the fraction kept, value, dense value and difference of a ticket."""
    kept, value, dense = (known.get(key) for key in ("remaining", "value", "dense"))
    texts = (
        f"{kept:.1%}" if isinstance(kept, float) else "",
        *(f"{number:.4f}" if isinstance(number, float) else "" for number in (value, dense)),
    )
    return str(known.get("says", known.get("config", ""))), *texts, _difference(known)


def _difference(known: dict[str, object]) -> str:
    values = known.get("difference")
    if not isinstance(values, list) or len(values) != 3:
        return ""
    return spoken_difference(values, known.get("seeds"))
