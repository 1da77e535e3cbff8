"""A page for each public name of the package, from its docstring."""

import inspect
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

import keras_lottery

GROUPS: dict[str, tuple[str, ...]] = {
    "Masks": ("mask", "Masked", "get_masks", "set_masks", "strip", "summary", "register_prunable"),
    "Pruning": ("prune", "sensitivity", "callbacks", "reestimate_batch_norm"),
    "Calibrated pruning": ("prune_calibrated", "WandaConfig", "SparseGPTConfig"),
    "Compaction": ("compact", "compaction_report", "register_compaction_rule"),
    "Tickets": ("TicketSearch", "Ticket", "fit"),
    "Exports and reports": ("export", "report"),
    "Errors": ("LotteryError",),
}
"""The public names in the order of a reader's work."""

RETURNED: dict[str, tuple[str, ...]] = {
    "TicketSearch": ("keras_lottery.search:TicketHistory",),
    "summary": ("keras_lottery.toolkit:Summary",),
    "WandaConfig": ("keras_lottery.toolkit.calibrated.configs:CalibrationConfig",),
    "export": ("keras_lottery.exporters:ExportReport",),
    "sensitivity": ("keras_lottery.toolkit:Sensitivity",),
}
"""Classes that are described next to the name that returns or extends them."""

INDEX = "reference/api/index.md"


def uri(name: str) -> str:
    """Returns the page of a public name."""
    return f"reference/api/{name}.md"


def navigation() -> list[dict[str, object]]:
    """Returns the part of the navigation with the pages of all public names."""
    groups = [{group: [{f"kl.{n}": uri(n)} for n in names]} for group, names in GROUPS.items()]
    return [{"Overview": INDEX}, *groups]


def index() -> str:
    """Returns the overview: every public name with the first sentence of its docstring."""
    lines = ["# The Python API", "", "`import keras_lottery as kl`; Keras is loaded on first use."]
    for group, names in GROUPS.items():
        lines += ["", f"## {group}", "", "| name | what it does |", "|---|---|"]
        for name in names:
            sentence = first_sentence(getattr(keras_lottery, name))
            lines.append(f"| [`kl.{name}`]({name}.md) | {sentence} |")
    return "\n".join(lines)


def page(name: str) -> str:
    """Returns the source of a name's page, which mkdocstrings completes."""
    entry = getattr(keras_lottery, name)
    if isinstance(entry, ModuleType):
        members = [_directive(getattr(entry, m), f"kl.{name}.{m}") for m in sorted(entry.__all__)]
        return "\n".join([f"# kl.{name}", "", first_sentence(entry), "", *members])
    text = [_directive(entry, f"kl.{name}", level=1)]
    if name == "SparseGPTConfig":
        text.append("[`CalibrationConfig`](WandaConfig.md) has the arguments of both methods.")
    for path in RETURNED.get(name, ()):
        module, _, attribute = path.partition(":")
        text.append(_directive(getattr(import_module(module), attribute), attribute))
    return "\n".join(text)


def first_sentence(entry: object) -> str:
    """Returns the first sentence of a docstring."""
    return " ".join((inspect.getdoc(entry) or "").partition("\n\n")[0].split())


def _directive(entry: Any, heading: str, level: int = 2) -> str:
    options = [f'heading: "{heading}"', f'toc_label: "{heading}"', f"heading_level: {level}"]
    path = f"{entry.__module__}.{entry.__qualname__}"
    return "\n".join([f"::: {path}", "    options:", *(f"      {o}" for o in options), ""])


def _writer(name: str) -> Callable[[], str]:
    return lambda: page(name)


PAGES: dict[str, Callable[[], str]] = {INDEX: index} | {
    uri(name): _writer(name) for names in GROUPS.values() for name in names
}
