"""Exports a ticket: folds the masks in, writes a format, reloads it and compares."""

from keras_lottery.exporters.export import export
from keras_lottery.exporters.exporter import Exporter, exporters
from keras_lottery.exporters.prune_file import prune_file
from keras_lottery.exporters.report import ExportReport, StoredVariable
from keras_lottery.exporters.run import check_exportable, export_run
from keras_lottery.exporters.sensitivity_file import sensitivity_file

__all__ = [
    "ExportReport",
    "Exporter",
    "StoredVariable",
    "check_exportable",
    "export",
    "export_run",
    "exporters",
    "prune_file",
    "sensitivity_file",
]
