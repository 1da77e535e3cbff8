"""What a run writes down: the rows of results.csv and metrics.csv, histories, layers, scalars."""

from keras_lottery.records.rows import COLUMNS, KEY, MetricRow, ResultRow
from keras_lottery.records.tables import layer_rows, read_numbers, read_table
from keras_lottery.records.tensorboard import NoScalars, Scalars, TensorBoardScalars, scalars
from keras_lottery.records.writers import Records, read_metrics, read_results

__all__ = [
    "COLUMNS",
    "KEY",
    "MetricRow",
    "NoScalars",
    "Records",
    "ResultRow",
    "Scalars",
    "TensorBoardScalars",
    "layer_rows",
    "read_metrics",
    "read_numbers",
    "read_results",
    "read_table",
    "scalars",
]
