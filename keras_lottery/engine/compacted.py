"""Sizes and latencies of compacted tickets, for runs that prune channels."""

import warnings

import numpy as np

from keras_lottery import pruning
from keras_lottery.compaction import compact, compaction_report
from keras_lottery.compaction.latency import latencies
from keras_lottery.config import Config
from keras_lottery.engine.run_reader import RunReader
from keras_lottery.errors import reason_of
from keras_lottery.protocols import Task
from keras_lottery.records import CompactedRow, GrowingTable, read_results
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.types import Start, Training, Weights

_KEPT_ZERO = 0.01


def measure_compacted(config: Config, paths: RunPaths, task: Task) -> None:
    """Adds the missing rows of compacted.csv: one for each finished ticket of channels.

    Tickets measured by an earlier call keep their rows. A ticket that cannot be compacted gets
    none, with a warning.

    Args:
        config: of the experiment; other patterns than channels make no network faster.
        paths: files of its run.
        task: its task.
    """
    if not pruning.needs_channels(config.prune.pattern):
        return
    table = GrowingTable(paths.compacted, CompactedRow)
    tickets = {
        row.training: None
        for row in read_results(paths.results)
        if row.finished and row.arm == "winning" and not row.source
    }
    table.keep(lambda row: row.training in tickets)
    measured, run = {row.training for row in table.rows}, RunReader(config, paths, task)
    for training in (t for t in tickets if t not in measured):
        try:
            table.append(_measured(training, run.start_of(training), task))
        except Exception as error:  # of a task's own code, too: the run itself is finished
            warnings.warn(
                f"The ticket of seed {training.seed}, round {training.round} has no row in "
                f"{paths.compacted.name}: {reason_of(error)}",
                stacklevel=3,
            )


def _measured(training: Training, start: Start, task: Task) -> CompactedRow:
    dense, pruned = task.export_model(start.weights), task.export_model(_pruned(start))
    small = compact(pruned)
    report = compaction_report(small)
    dense_1, seconds_1 = latencies([dense, small], 1)
    dense_32, seconds_32 = latencies([dense, small], 32)
    return CompactedRow(
        **vars(training),
        parameters=report.parameters[1],
        dense_parameters=report.parameters[0],
        bytes=report.bytes[1],
        dense_bytes=report.bytes[0],
        flops=report.flops[1],
        dense_flops=report.flops[0],
        seconds_1=seconds_1,
        dense_seconds_1=dense_1,
        seconds_32=seconds_32,
        dense_seconds_32=dense_32,
    )


def _pruned(start: Start) -> Weights:
    """Returns the weights of a ticket, 0 exactly where its masks prune.

    The ticket holds the weights before training, where kept ones can be 0 too, such as the last
    scale of a residual block.
    """
    weights = dict(start.weights)
    for path, mask in start.masks.items():
        value = weights[path]
        kept = np.where(value == 0, np.asarray(_KEPT_ZERO, value.dtype), value)
        weights[path] = np.where(mask, kept, np.zeros((), value.dtype))
    return weights
