"""The connectivity of pruned networks: inputs read, and units on a path through the network."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from keras_lottery.errors import LotteryError
from keras_lottery.records import read_layers, series
from keras_lottery.report.document import Table
from keras_lottery.report.formatting import number, percent, unit_of
from keras_lottery.report.kept_rows import CONNECTIONS, ConnectionRow, read_kept
from keras_lottery.report.masks import natural, short_names
from keras_lottery.report.results import DENSE, Results


@dataclass(frozen=True)
class ConnectedNetwork:
    """A pruned network, and what its kept weights connect.

    Args:
        arm: its arm, and the source of a transferred ticket.
        first: path of the first layer's kernel.
        round: its round.
        remaining: fraction of the weights that are kept.
        value: its metric.
        inputs: inputs of the network on a path to an output.
        units: by hidden layer, its units on a path from an input to an output.
    """

    arm: str
    first: str
    round: int
    remaining: float
    value: float
    inputs: int
    units: dict[str, int]

    @property
    def narrowest(self) -> int:
        """Connected units of the hidden layer that has the fewest."""
        return min(self.units.values())


def connected_networks(
    results: Results, connections: Sequence[ConnectionRow]
) -> list[ConnectedNetwork]:
    """Returns the pruned networks whose connections were counted.

    There are none if the network isn't a chain of dense layers with a hidden one, or if the names
    of its layers don't sort in the order of the layers.

    Raises:
        LotteryError: the rows are of another run.
    """
    rows = {(series(row), row.seed, row.round, row.draw): row for row in results.rows}
    layers: dict[tuple[str, int, int, int], list[ConnectionRow]] = defaultdict(list)
    for layer in connections:
        layers[layer.arm, layer.seed, layer.round, layer.draw].append(layer)
    if foreign := layers.keys() - rows.keys():
        arm, seed, of_round, _ = min(foreign)
        raise LotteryError(
            f"{results.paths.root / CONNECTIONS}: expected networks of results.csv. Received: "
            f"`{arm}` of seed {seed}, round {of_round}. Write the page again from its run folder."
        )
    networks = []
    for key, chain in layers.items():
        chain.sort(key=lambda layer: natural(layer.path))
        names = short_names(tuple(layer.path for layer in chain))
        units = {name: layer.connected_units for name, layer in zip(names, chain[:-1])}
        if units and all(a.connected_units == b.connected_inputs for a, b in pairwise(chain)):
            row, first = rows[key], chain[0]
            networks.append(
                ConnectedNetwork(
                    first.arm, first.path, row.round, 1 - row.sparsity, row.value,
                    first.connected_inputs, units,
                )
            )  # fmt: skip
    return networks


def connection_rows(results: Results) -> list[ConnectionRow]:
    """Returns what every pruned network connects, from its layer table or the kept table.

    Raises:
        LotteryError: a table is damaged.
    """
    rows = [
        ConnectionRow(results.task, series(row), row.seed, row.round, row.draw, layer.path,
                      layer.connected_inputs or 0, layer.connected_units)
        for row in results.rows
        if row.arm != DENSE
        for layer in read_layers(results.paths.layers(row.training), row)
        if layer.connected_units is not None
    ]  # fmt: skip
    return rows or read_kept(results.paths.root, CONNECTIONS, ConnectionRow, results.task)


def connectivity_table(results: Results, networks: Sequence[ConnectedNetwork]) -> Table:
    """Returns the connected inputs and units of each arm and level, as means."""
    unit = unit_of(results.rows)
    levels: dict[tuple[int, int], list[ConnectedNetwork]] = defaultdict(list)
    for network in networks:
        levels[network.round, results.arms.index(network.arm)].append(network)
    rows = []
    for _, level in sorted(levels.items()):
        counts = [(network.inputs, *network.units.values()) for network in level]
        rows.append([
            percent(float(np.mean([network.remaining for network in level]))),
            level[0].arm,
            *(number(float(mean), 1) for mean in np.mean(counts, axis=0)),
            unit.bare(float(np.mean([network.value for network in level]))),
        ])  # fmt: skip
    names = [f"units of {name}" for name in networks[0].units]
    note = (
        "Inputs of the network and units of each hidden layer on a path from an input to an output "
        "through kept weights: means over seeds and repetitions. A unit without a path from an "
        "input is constant, one without a path to an output changes nothing."
    )
    return Table("", ["remaining", "arm", "inputs read", *names, unit.axis], rows, note)
