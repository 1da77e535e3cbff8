"""Exports a model or a ticket: folds the masks in, writes a format, reloads it and compares.

Names are imported on first access, since a process that reads an artifact needs no Keras.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "ExportReport": "report",
    "Exporter": "exporter",
    "StoredVariable": "report",
    "check_exportable": "run",
    "export": "export_model",
    "export_run": "run",
    "exporters": "exporter",
    "prune_file": "file_pruning",
    "sensitivity_file": "file_sensitivity",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
