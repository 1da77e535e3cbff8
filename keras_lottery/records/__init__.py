"""The tables of a run: results.csv, metrics.csv, histories, layers, and TensorBoard scalars."""

from keras_lottery.records.config_file import RESULTS_VERSION_KEY, TICKETS, load_config, read_config
from keras_lottery.records.growing import GrowingTable
from keras_lottery.records.rows import (
    COLUMNS,
    CONSTANT_OUTPUT,
    KEY,
    CompactedRow,
    LayerRow,
    MetricRow,
    ResultRow,
    TableRow,
    series,
)
from keras_lottery.records.sparsest import sparsest_match
from keras_lottery.records.tables import layer_rows, read_numbers, read_table
from keras_lottery.records.tensorboard import NoScalars, Scalars, TensorBoardScalars, scalars
from keras_lottery.records.ticket_tables import check_masks, read_history, read_layers
from keras_lottery.records.trackers import TRACKERS, check_tracked, check_tracker, tracker
from keras_lottery.records.writers import Records, read_metrics, read_results, read_rows

__all__ = [
    "COLUMNS",
    "CONSTANT_OUTPUT",
    "KEY",
    "RESULTS_VERSION_KEY",
    "TICKETS",
    "TRACKERS",
    "CompactedRow",
    "GrowingTable",
    "LayerRow",
    "MetricRow",
    "NoScalars",
    "Records",
    "ResultRow",
    "Scalars",
    "TableRow",
    "TensorBoardScalars",
    "check_masks",
    "check_tracked",
    "check_tracker",
    "layer_rows",
    "load_config",
    "read_config",
    "read_history",
    "read_layers",
    "read_metrics",
    "read_numbers",
    "read_results",
    "read_rows",
    "read_table",
    "scalars",
    "series",
    "sparsest_match",
    "tracker",
]
