"""The tables of a kept page that replace the files of single trainings, which are not kept."""

from collections.abc import Sequence
from pathlib import Path

from keras_lottery.records import TableRow
from keras_lottery.records.tables import write_table
from keras_lottery.report.connectivity import connected_networks, connection_rows
from keras_lottery.report.inputs import input_rows
from keras_lottery.report.kept_rows import (
    CONNECTIONS,
    CURVES,
    DENSITIES,
    INPUTS,
    OVERLAPS,
    SAMPLES,
    SPECTRA,
)
from keras_lottery.report.masks import density_rows, overlap_rows
from keras_lottery.report.plots.curves import curve_rows
from keras_lottery.report.prune_at_init import spectrum_rows
from keras_lottery.report.results import Results
from keras_lottery.report.tables import samples_table


def write_kept_tables(by_task: Sequence[Results], folder: Path) -> None:
    """Writes masks' statistics of every arm, learning curves, spectra and samples.

    A table without rows is removed.

    Args:
        by_task: the results of each task of a run, the config's task first.
        folder: folder of the kept page.
    """
    connections = [connection_rows(results) for results in by_task]
    networks = [connected_networks(*pair) for pair in zip(by_task, connections)]
    every = [(results, arm) for results in by_task for arm in results.arms]
    tables: dict[str, Sequence[TableRow]] = {
        DENSITIES: [row for results, arm in every for row in density_rows(results, arm)],
        OVERLAPS: [row for results, arm in every for row in overlap_rows(results, arm)],
        CONNECTIONS: [row for rows in connections for row in rows],
        INPUTS: [row for pair in zip(by_task, networks) for row in input_rows(*pair)],
        CURVES: [row for results in by_task if results.task == "rl" for row in curve_rows(results)],
        SPECTRA: [row for results in by_task for row in spectrum_rows(results)],
    }
    for name, rows in tables.items():
        if rows:
            write_table(folder / name, rows[0].columns(), (row.texts() for row in rows))
        else:
            (folder / name).unlink(missing_ok=True)
    if samples := samples_table(by_task[0]):
        write_table(folder / SAMPLES, samples.header, samples.rows)
    else:
        (folder / SAMPLES).unlink(missing_ok=True)
