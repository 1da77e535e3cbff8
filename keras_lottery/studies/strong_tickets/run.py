"""Strong lottery tickets: random networks, pruned but not trained, that match trained ones."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_lottery.engine import open_run, train_all
from keras_lottery.engine.run_reader import RunReader
from keras_lottery.errors import LotteryError
from keras_lottery.protocols import Task
from keras_lottery.records import GrowingTable
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.studies.strong_tickets import network
from keras_lottery.studies.strong_tickets.construction import (
    Pair,
    construct,
    draw,
    error_bound,
)
from keras_lottery.studies.strong_tickets.options import StrongTicketsConfig
from keras_lottery.studies.strong_tickets.rows import (
    GADGETS,
    NETWORKS,
    TARGETS,
    TRANSITION,
    GadgetRow,
    NetworkRow,
    TargetRow,
    TransitionRow,
    ticket_file,
)
from keras_lottery.studies.strong_tickets.sums import gadgets, sizes, transition
from keras_lottery.tasks.vision.task import VisionTask
from keras_lottery.tickets import Ticket
from keras_lottery.types import Training


def run(config: StrongTicketsConfig) -> Path:
    """Measures subset sums, trains a target per seed, and finds it in random networks.

    Returns:
        The run folder, with `transition.csv`, `gadgets.csv`, `targets.csv` and `networks.csv`.

    Raises:
        LotteryError: the config does not fit together, or its folder cannot be used.

    Reference:
        Natale et al. 2024, "On the Sparsity of the Strong Lottery Ticket Hypothesis"; the paper
        has no experiments, so all of them are ours.
    """
    with open_run(config) as (paths, task):
        _measure_sums(config, paths)
        seeds = train_all(replace(config, arms=()), paths, task)
        targets = GrowingTable(paths.root / TARGETS, TargetRow)
        table = GrowingTable(paths.root / NETWORKS, NetworkRow)
        for seed in seeds:
            dense = Training("", config.task, seed, 0, "dense")
            trained = RunReader(config, paths, task).trained(dense)
            target = _Target(task.export_model(trained), *_test_set(task))
            if not any(row.seed == seed for row in targets.rows):
                targets.append(*target.rows(seed))
            for density in config.options.densities:
                _search(config, paths, table, target, seed, density)
    return paths.root


def _measure_sums(config: StrongTicketsConfig, paths: RunPaths) -> None:
    options = config.options
    sums = GrowingTable(paths.root / TRANSITION, TransitionRow)
    single = GrowingTable(paths.root / GADGETS, GadgetRow)
    for n, k in sizes(options):
        if not any((row.n, row.k) == (n, k) for row in sums.rows):
            sums.append(*transition(n, k, options))
        if not any((row.n, row.k) == (n, k) for row in single.rows):
            single.append(gadgets(n, k, options))


def _search(
    config: StrongTicketsConfig,
    paths: RunPaths,
    table: GrowingTable[NetworkRow],
    target: "_Target",
    seed: int,
    density: float,
) -> None:
    """Tries n in ascending order until a random network is sufficient; skips n already tried."""
    done = {row.n: row for row in table.rows if (row.seed, row.density) == (seed, density)}
    for n in candidates(density, config.options.most):
        if n not in done:
            row, pairs = _try(config, target, seed, density, n)
            if row.enough:
                _ticket(target, pairs, row).save(ticket_file(paths.root, seed, density, n))
            table.append(row)
            done[n] = row
        if done[n].enough:
            return


def candidates(density: float, most: int) -> list[int]:
    """Returns the n from 2 to `most` for which n · density is a whole number.

    Raises:
        LotteryError: there are none.
    """
    sizes = [n for n in range(2, most + 1) if abs(n * density - round(n * density)) < 1e-9]
    if not sizes:
        raise LotteryError(
            f"Expected densities k/n with n up to options.most = {most}. Received: {density}. "
            "Choose another density, or raise options.most."
        )
    return sizes


class _Target:
    """A trained network, with its outputs and accuracy on the test set.

    Args:
        model: plain model from raw images to logits.
        images: the test set.
        labels: their classes.
    """

    def __init__(self, model: keras.Model, images: NDArray[Any], labels: NDArray[Any]) -> None:
        self.model = model
        self.layers = network.target_layers(model)
        self.images = images
        self.outputs = network.outputs(model, images)
        self.accuracy = float((self.outputs.argmax(-1) == labels).mean())
        self.labels = labels

    @property
    def weights(self) -> int:
        return sum(layer.size for layer in self.layers)

    def rows(self, seed: int) -> list[TargetRow]:
        return [
            TargetRow(seed, number, len(layer), layer.shape[1], float(np.abs(layer).max()))
            for number, layer in enumerate(self.layers, start=1)
        ]


def _try(
    config: StrongTicketsConfig, target: _Target, seed: int, density: float, n: int
) -> tuple[NetworkRow, list[Pair]]:
    """Prunes a random network with n candidates, and measures it through Keras."""
    k, options = round(n * density), config.options
    began = time.monotonic()
    pairs = [
        construct(layer, draw(len(layer), layer.shape[1], n, (seed, n, index)), k)
        for index, layer in enumerate(target.layers)
    ]
    seconds = time.monotonic() - began
    model = network.random_network(target.model, pairs)
    network.ticket_of(model, pairs, {}).apply(model)
    outputs = network.outputs(model, target.images)
    predicted = outputs.argmax(-1)
    error = float(np.abs(outputs - target.outputs).max())
    agreement = float((predicted == target.outputs.argmax(-1)).mean())
    row = NetworkRow(
        seed=seed,
        density=density,
        n=n,
        k=k,
        enough=int(error <= options.error and agreement >= options.agreement),
        output_error=error,
        bound=error_bound(pairs),
        weight_error=max(pair.error for pair in pairs),
        agreement=agreement,
        accuracy=float((predicted == target.labels).mean()),
        target_accuracy=target.accuracy,
        target_weights=target.weights,
        kept=sum(int(mask.sum()) for pair in pairs for mask in pair.masks),
        total=sum(mask.size for pair in pairs for mask in pair.masks),
        seconds=seconds,
    )
    return row, pairs


def _ticket(target: _Target, pairs: list[Pair], row: NetworkRow) -> Ticket:
    provenance = {"study": "strong_tickets", "seed": row.seed, "density": row.density, "n": row.n}
    return network.ticket_of(network.random_network(target.model, pairs), pairs, provenance)


def _test_set(task: Task) -> tuple[NDArray[Any], NDArray[Any]]:
    if not isinstance(task, VisionTask):
        raise LotteryError(
            f"Expected the task 'vision' for strong tickets. Received: {task.name!r}. "
            "Set task='vision'."
        )
    return task.images.test.x, task.images.test.y
