"""The kept weights that read each input of a network with few inputs."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from keras_lottery.records import series
from keras_lottery.report.connectivity import ConnectedNetwork
from keras_lottery.report.document import Table
from keras_lottery.report.formatting import number, percent
from keras_lottery.report.kept_rows import INPUTS, InputRow, read_kept
from keras_lottery.report.results import Results
from keras_lottery.report.statistics import levels
from keras_lottery.tickets import Ticket

_MOST_INPUTS = 32


def input_rows(results: Results, networks: Sequence[ConnectedNetwork]) -> list[InputRow]:
    """Returns the kept weights by input of every pruned network, from tickets or the kept table.

    There are none unless the network is a chain of dense layers that reads at most 32 inputs, such
    as the observations of classic control.

    Args:
        results: the results.
        networks: the connected networks of these results.
    """
    rows = []
    for row in results.rows if networks else []:
        ticket = results.paths.ticket(row.training)
        if not (row.round and ticket.exists()):
            continue
        kernel = Ticket.load_masks(ticket).get(networks[0].first)
        if kernel is None:
            continue
        if len(kernel) > _MOST_INPUTS:
            return []
        rows += [
            InputRow(results.task, series(row), row.seed, row.round, row.draw, index, int(kept))
            for index, kept in enumerate(kernel.sum(axis=1), 1)
        ]
    return rows or read_kept(results.paths.root, INPUTS, InputRow, results.task)


def inputs_table(results: Results, rows: Sequence[InputRow]) -> Table:
    """Returns the kept weights of the first layer by input: means of each arm and level."""
    remaining = {
        (arm, level.round): level.remaining
        for arm in results.arms
        for level in levels(results.rows, arm)
    }
    kept: dict[tuple[int, int], dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        kept[row.round, results.arms.index(row.arm)][row.input].append(row.kept)
    lines = []
    for (of_round, arm), by_input in sorted(kept.items()):
        means = [number(float(np.mean(counts)), 1) for _, counts in sorted(by_input.items())]
        name = results.arms[arm]
        lines.append([percent(remaining[name, of_round]), name, *means])
    header = ["remaining", "arm", *(f"input {index}" for index in sorted({r.input for r in rows}))]
    note = "Kept weights of the first layer by the input that they read: means over seeds."
    return Table("", header, lines, note)
