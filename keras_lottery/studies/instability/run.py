"""Instability to the order of the data (Frankle et al. 2020, arXiv 1912.05671).

Copies of one network are trained from a step k, each with its own data order. With E the error
of a network, the instability of a pair is the height of the barrier between them:

    sup_α E(α W₁ + (1 - α) W₂) - mean(E(W₁), E(W₂))

Every point k of the options is an experiment with its own run folder. It provides the dense
network's state at k and, if needed, the tickets of iterative pruning with rewinding to k. The
study's folder has `path.csv`, with one row per measured network.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from keras_lottery import config as configs
from keras_lottery import engine
from keras_lottery.arms import starts
from keras_lottery.config import Config
from keras_lottery.engine.check_config import check_rewind
from keras_lottery.engine.executors.train_one import not_finite
from keras_lottery.engine.progress import ProgressBar
from keras_lottery.engine.run_reader import RunReader
from keras_lottery.errors import LotteryError
from keras_lottery.protocols import Task
from keras_lottery.records import GrowingTable, load_config
from keras_lottery.records.run_paths import paths_of
from keras_lottery.studies.instability.options import InstabilityConfig, InstabilityOptions
from keras_lottery.studies.instability.rows import FILE, PathRow
from keras_lottery.types import MaskSet, Start, Training, Weights

Key = tuple[str, str, int]
"""Point, subject and seed."""


def run(config: InstabilityConfig) -> Path:
    """Trains copies from every point and measures the lines between them; returns the run folder.

    Raises:
        LotteryError: the config does not fit together, or its task measures no accuracy.
    """
    options = config.options
    _check_rounds(config)
    with engine.open_run(config) as (paths, task):
        _check(task)
        table = GrowingTable(paths.root / FILE, PathRow)
        experiments = {point: at(config, point) for point in options.points}
        for experiment in experiments.values():
            check_rewind(experiment, task)
        for point, experiment in experiments.items():
            Console(stderr=True).print(f"from {point}", highlight=False)
            engine.run(experiment)
            keys = [(point, name, seed) for seed in config.seeds for name in options.subjects]
            missing = {key: pairs for key in keys if (pairs := _missing(key, options, table))}
            if not missing:
                continue
            copies = sum(len({*chain(*pairs)}) for pairs in missing.values())
            with ProgressBar(copies, 0) as bar:
                for key, pairs in missing.items():
                    _measure(experiment, task, options, key, pairs, table, bar)
    return paths.root


def at(config: InstabilityConfig, point: str) -> Config:
    """Returns the experiment that provides the states and tickets of a point."""
    options = config.options
    settings: dict[str, Any] = configs.thaw(config)
    settings |= {
        "study": "tickets",
        "options": {},
        "name": f"{config.name}-{point}",
        "arms": [subject for subject in options.subjects if subject != "dense"],
        "keep_trained": [],
        "claims": [],  # about pairs of copies, which this study measures
    }
    settings["rewind"]["to"] = point
    return configs.freeze(settings, allow_unread=True)


def _missing(
    key: Key, options: InstabilityOptions, table: GrowingTable[PathRow]
) -> list[tuple[int, int]]:
    """Returns the pairs of copies that are not measured yet."""
    done = {row.pair for row in table.rows if (row.point, row.subject, row.seed) == key}
    return [p for p in combinations(range(options.orders), 2) if f"{p[0]}-{p[1]}" not in done]


def _measure(
    config: Config,
    task: Task,
    options: InstabilityOptions,
    key: Key,
    pairs: list[tuple[int, int]],
    table: GrowingTable[PathRow],
    bar: ProgressBar,
) -> None:
    """Trains the copies of one subject from one point, and measures the pairs."""
    point, subject, seed = key
    round = 0 if subject == "dense" else config.prune.rounds
    training, paths = Training("", config.task, seed, round, subject), paths_of(config)
    if not (paths.rewind(seed).exists() and paths.ticket(training).exists()):
        bar.skip(len({*chain(*pairs)}))
        names = (f"{one}-{other}" for one, other in pairs)
        step = task.steps(point)
        table.append(*(PathRow(point, subject, seed, n, step, 1.0, **_DIVERGED) for n in names))
        return
    view = RunReader(config, paths, task)
    masks: MaskSet = view.start_of(training).masks if round else {}
    state = view.rewind_state(seed)

    @cache
    def copy(order: int) -> Weights | None:
        start = starts.from_state(training, view, masks, state)
        start = replace(start, data_seed=data_seed(seed, order))
        copied = replace(training, arm="copy", draw=order)
        with bar.training(copied) as progress:
            result = task.fit(copied, start, progress)
        return None if not_finite(result) else result.weights

    step, remaining = int(state["step"][0]), _remaining(task, masks)
    for one, other in pairs:
        ends = copy(one), copy(other)
        line: Iterable[dict[str, float]] = (_DIVERGED,)
        if ends[0] is not None and ends[1] is not None:
            line = between(task, ends[0], ends[1], masks, options.alphas)
        pair = f"{one}-{other}"
        rows = [PathRow(point, subject, seed, pair, step, remaining, **row) for row in line]
        table.append(*rows)


_DIVERGED = {"alpha": 0.0, "test_error": float("nan"), "train_error": float("nan")}


def between(
    task: Task, one: Weights, other: Weights, masks: MaskSet, alphas: int
) -> Iterator[dict[str, float]]:
    """Yields `alpha` and the errors of the networks on the line from `other` (0) to `one` (1).

    Batch-norm statistics are re-estimated for each of them, the ends too.
    """
    for alpha in np.linspace(0, 1, alphas).tolist():
        weights = {p: (alpha * one[p] + (1 - alpha) * other[p]).astype(one[p].dtype) for p in one}
        metrics = task.evaluate_averaged(Start(weights, masks))
        errors = {f"{split}_error": 1 - metrics[f"{split}_{task.metric}"] for split in _SPLITS}
        yield {"alpha": alpha, **errors}


_SPLITS = ("test", "train")


def data_seed(seed: int, order: int) -> int:
    """Returns the seed of a copy's data order, which differs from the parent network's."""
    return int(np.random.SeedSequence([seed, order, 1912]).generate_state(1)[0] >> 1)


def _remaining(task: Task, masks: MaskSet) -> float:
    sizes = [info.size for info in task.variables() if info.prunable]
    return sum(int(m.sum()) for m in masks.values()) / sum(sizes) if masks else 1.0


def _check_rounds(config: InstabilityConfig) -> None:
    """Raises LotteryError if a run has measured the tickets of another number of rounds."""
    paths = paths_of(config)
    if not (paths.root / FILE).exists():
        return
    rounds = load_config(paths)[0].prune.rounds
    if rounds != config.prune.rounds:
        raise LotteryError(
            f"Expected {rounds} pruning rounds, whose tickets {paths.root / FILE} has measured. "
            f"Received: {config.prune.rounds}. Choose another --out."
        )


def _check(task: Task) -> None:
    if "accuracy" not in task.metric:
        raise LotteryError(
            "Expected a task that measures an accuracy, since instability is a difference of "
            f"errors. Received: {task.name!r}, which measures the {task.metric}. "
            "Choose another task."
        )
