"""The card of a ticket on the Hub: what it is, how well it trains, and how to apply it."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import printable
from keras_lottery.types import MaskSet, Weights

_HEADER = """---
library_name: keras-lottery
tags:
- keras
- pruning
- sparsity
- lottery-ticket
---
"""
_USE = """## How to apply it

```python
import keras_lottery as kl

ticket = kl.Ticket.from_preset("{place}")
ticket.apply(model)  # masks and start weights, for a model with the variables below
model.fit(x, y)  # pruned weights stay at zero
```

The file holds arrays and metadata, no code. To install the package, run in a clone of its
repository: `pip install '.[hub]'`.
"""


class _Ticket(Protocol):
    @property
    def masks(self) -> MaskSet: ...
    @property
    def start(self) -> Weights: ...
    @property
    def provenance(self) -> Mapping[str, Any]: ...


def facts(ticket: _Ticket) -> dict[str, str]:
    """Returns what is known about a ticket, by name: sparsity, paper, seeds, difference."""
    kept = sum(int(np.count_nonzero(mask)) for mask in ticket.masks.values())
    size = sum(mask.size for mask in ticket.masks.values())
    known = ticket.provenance
    shown = (
        {"sparsity": f"{1 - kept / size:.2%} ({kept:,} of {size:,} weights kept)"} if size else {}
    )
    for name, key in (
        ("what it is", "says"),
        ("paper", "paper"),
        ("config", "config"),
        ("task", "task"),
        ("arm", "arm"),
        ("round", "round"),
        ("seed of this ticket", "seed"),
        ("starts at step", "step"),
    ):
        if known.get(key) not in (None, ""):
            shown[name] = str(known[key])
    metric, value = known.get("metric", "metric"), known.get("value")
    if isinstance(value, float):
        shown[f"{metric}, trained from this ticket"] = f"{value:.4f}"
    if isinstance(known.get("dense"), float):
        shown[f"{metric} of the dense network, same seed"] = f"{known['dense']:.4f}"
    if isinstance(known.get("difference"), list | tuple):
        shown["paired difference from dense"] = spoken_difference(
            known["difference"], known.get("seeds")
        )
    return shown


def spoken_difference(values: Sequence[float], seeds: object) -> str:
    """Returns a paired difference with its 95 % t interval, which two seeds are too few for."""
    mean, low, high = values
    if low is None or not isinstance(seeds, int) or seeds < 3:
        return f"{mean:+.4f} ({seeds} seed{'s' * (seeds != 1)}, no interval)"
    return f"{mean:+.4f} (95 % t interval {low:+.4f} to {high:+.4f}; {seeds} seeds)"


def card(ticket: _Ticket, place: str) -> str:
    """Returns the Markdown of a ticket's card; `place` is `hf://user/name`."""
    title = place.rpartition("/")[2]
    lines = [_HEADER, f"# {_cell(title)}", "", "A lottery ticket: masks and start weights.", ""]
    lines += _table(("", ""), [(name, text) for name, text in facts(ticket).items()])
    lines += ["", _USE.format(place=place), "## Variables", ""]
    rows = [
        (path, str(np.shape(value)), _kept(ticket.masks.get(path)))
        for path, value in sorted(ticket.start.items())
    ]
    return "\n".join([*lines, *_table(("variable", "shape", "kept"), rows)]) + "\n"


def _kept(mask: NDArray[np.bool_] | None) -> str:
    return "dense" if mask is None else f"{np.mean(mask):.2%}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [header, ["---"] * len(header), *rows]
    return [f"| {' | '.join(map(_cell, line))} |" for line in lines]


def _cell(text: str) -> str:
    shown = printable(text).replace("\n", " ").replace("|", "\\|").replace("](", "]\\(")
    return shown.replace("<", "&lt;")
