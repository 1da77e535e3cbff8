"""Ships a ticket: folds the masks in, writes a format, reloads it and compares."""

import sys
from types import ModuleType
from typing import Any

from keras_lottery.export.exporter import Exporter, exporters
from keras_lottery.export.prune_file import prune_file
from keras_lottery.export.report import ExportReport, StoredVariable
from keras_lottery.export.run import check_exportable, export_run
from keras_lottery.export.ship import export

__all__ = [
    "ExportReport",
    "Exporter",
    "StoredVariable",
    "check_exportable",
    "export",
    "export_run",
    "exporters",
    "prune_file",
]


class _CallableModule(ModuleType):
    """`kl.export` is the function, but importing this folder puts the module in its place."""

    def __call__(self, *args: Any, **kwargs: Any) -> ExportReport:
        return export(*args, **kwargs)


sys.modules[__name__].__class__ = _CallableModule
