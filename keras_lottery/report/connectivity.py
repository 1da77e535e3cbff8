"""The connectivity of pruned networks: inputs read, and units on a path through the network."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from keras_lottery.records import LayerRow, read_layers
from keras_lottery.report.document import Table
from keras_lottery.report.formatting import number, percent, unit_of
from keras_lottery.report.masks import natural, short_names
from keras_lottery.report.results import DENSE, Results, series


def connectivity_table(results: Results) -> Table | None:
    """Returns the connected inputs and units of each arm and level, as means.

    None if the layer tables have none: the network isn't a chain of dense layers, or the files are
    of an older version.
    """
    unit = unit_of(results.rows)
    levels: dict[tuple[str, int], list[tuple[float, float, list[LayerRow]]]] = defaultdict(list)
    for row in results.rows:
        if row.arm == DENSE:
            continue
        layers = [
            layer
            for layer in read_layers(results.paths.layers(row.training), row)
            if layer.connected_units is not None
        ]
        if layers:
            layers.sort(key=lambda layer: natural(layer.path))
            levels[series(row), row.round].append((1 - row.sparsity, row.value, layers))
    if not levels:
        return None
    order = sorted(levels, key=lambda level: (level[1], results.arms.index(level[0])))
    paths = tuple(layer.path for layer in levels[order[0]][0][2])
    rows = []
    for level in order:
        remaining, values, networks = zip(*levels[level], strict=True)
        inputs = _mean([network[0].connected_inputs for network in networks])
        units = [_mean([network[n].connected_units for network in networks])
                 for n in range(len(paths) - 1)]  # fmt: skip
        mean = unit.bare(float(np.mean(values)))
        rows.append([percent(float(np.mean(remaining))), level[0], inputs, *units, mean])
    names = [f"units of {name}" for name in short_names(paths)[:-1]]
    note = (
        "Inputs of the network and units of each hidden layer on a path from an input to an output "
        "through kept weights: means over seeds and repetitions. A unit without a path from an "
        "input is constant, one without a path to an output changes nothing."
    )
    return Table("", ["remaining", "arm", "inputs read", *names, unit.axis], rows, note)


def _mean(counts: Sequence[int | None]) -> str:
    return number(float(np.mean([count or 0 for count in counts])), 1)
