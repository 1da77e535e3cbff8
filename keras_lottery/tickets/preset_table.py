"""The table of the tickets that ship with the package."""

from rich.table import Table

from keras_lottery.errors import printable
from keras_lottery.tickets.card import spoken_difference
from keras_lottery.tickets.ticket import preset_facts

_HEADER = ("name", "what it is", "kept", "value", "dense", "difference from dense")


def preset_table() -> Table:
    """Returns one row per ticket: what it is, weights kept, and its value next to dense."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in _HEADER:
        table.add_column(name, overflow="fold")
    for name, known in preset_facts().items():
        table.add_row(name, *map(printable, preset_cells(known)))
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
