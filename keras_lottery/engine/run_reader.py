"""Reads starts, trained weights and the rewind point from a run's files, for arms."""

import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from keras_lottery.checks import file_path
from keras_lottery.config import Config
from keras_lottery.engine.graph import trainings
from keras_lottery.engine.provenance import REWIND, TICKET, TRAINED, check_provenance, provenance
from keras_lottery.engine.pruner import Pruner
from keras_lottery.errors import LotteryError, shortened
from keras_lottery.protocols import Task
from keras_lottery.records import read_config, read_results
from keras_lottery.records.config_file import is_count
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.tickets import Ticket, no_metadata, read_stored
from keras_lottery.types import SKIPPED, Start, State, Training, Weights

_STEPS = ("step", "learning_rate_step", "data_order_step")
_SEED = "start_seed"
"""Seed of the start; differs from the training's seed for re-initialized networks."""


class RunReader(Pruner):
    """The `RunView` over a run folder."""

    def __init__(self, config: Config, paths: RunPaths, task: Task) -> None:
        self.config = config
        self.task = task
        self._paths = paths

    def start_of(self, training: Training) -> Start:
        return _read_ticket(self._paths.ticket(training), provenance(self.config, training, TICKET))

    def source_start_of(self, training: Training) -> Start:
        file, origin = source_file(self.config, training), _in_source(training)
        paths = _source_paths(self.config, training.source)
        run = read_config(paths).get("hash") if paths.config.exists() else None
        # A source may have another task.
        expected = provenance(self.config, origin, TICKET)
        return _read_ticket(file, expected | {"run": run, "task": None})

    def trained(self, training: Training) -> Weights:
        expected = provenance(self.config, training, TRAINED)
        file = self._paths.trained(training)
        if not file.exists():
            raise LotteryError(
                f"Expected the trained weights of {training.arm!r}, seed {training.seed}, round "
                f"{training.round}. Received: {file}, no such file: weights are kept only until "
                "the next round is trained. To train the arm again, remove its rows of this seed "
                "from results.csv, from round 1 on."
            )
        return _read_state(file, expected)

    def rewind_state(self, seed: int) -> State:
        dense = Training("", self.config.task, seed, 0, "dense")
        state = _read_state(self._paths.rewind(seed), provenance(self.config, dense, REWIND))
        if state.get("step", np.empty(0)).shape != (1,):
            raise _no_such_file(self._paths.rewind(seed), "a rewind point, which has a step")
        return state


def _read_state(file: Path, expected: Mapping[str, Any]) -> State:
    stored = read_stored(file)
    if stored.metadata is None:  # every version wrote metadata
        raise no_metadata(file)
    origin = stored.metadata.get("provenance") or {}
    if not isinstance(origin, dict):
        raise _no_such_file(file, "a JSON object for its provenance")
    if not stored.is_checked and "run" in origin:
        raise _no_such_file(file, "checksums, which it has lost")
    if not stored.is_checked:
        warnings.warn(
            f"{file.name} was written by an older version, without checksums and provenance: "
            "a damaged or swapped file goes unnoticed.",
            stacklevel=2,
        )
    check_provenance(file, origin, _compared(expected))
    return stored.arrays


def _read_ticket(file: Path, expected: Mapping[str, Any]) -> Start:
    ticket = Ticket.load(file)
    check_provenance(file, ticket.provenance, _compared(expected))
    for path, value in (*ticket.start.items(), *ticket.fills.items()):
        if not is_finite(value):
            raise _no_such_file(file, f"finite weights, unlike those of {path}")
    return to_start(ticket)


def _compared(expected: Mapping[str, Any]) -> dict[str, Any]:
    """Leaves out the experiment's name, since runs may be renamed."""
    return {name: value for name, value in expected.items() if name != "experiment"}


def is_finite(values: np.ndarray) -> bool:
    """Returns False if an array contains NaN or infinity."""
    try:
        return bool(np.isfinite(values).all())
    except TypeError:  # a type without such values
        return True


def _no_such_file(file: Path, expected: str) -> LotteryError:
    return LotteryError(
        f"Expected a file with {expected}. Received: {file}. Put the right file back, or start "
        "the run again in another folder."
    )


def _in_source(training: Training) -> Training:
    """Returns the source's training whose ticket is transferred."""
    return replace(training, source="", arm="winning", draw=0)


def _source_paths(config: Config, name: str) -> RunPaths:
    return RunPaths(file_path(config.transfer.sources[name], f"transfer.sources.{name}"))


def source_file(config: Config, training: Training) -> Path:
    """Returns the file of the ticket that is transferred from the source of `training`.

    Raises:
        LotteryError: the source has no such ticket.
    """
    paths = _source_paths(config, training.source)
    file = paths.ticket(_in_source(training))
    if not file.exists():
        raise LotteryError(
            f"Expected the winning ticket of seed {training.seed}, round {training.round} in the "
            f"source {training.source!r}. Received: {paths.root}, which has none. Run that "
            "experiment with these seeds and rounds first."
        )
    return file


def lost_sources(config: Config) -> list[Training]:
    """Returns the trainings whose ticket was skipped in their source."""
    affected = []
    for name in config.transfer.sources:
        file = _source_paths(config, name).results
        rows = read_results(file) if file.exists() else []
        lost = {(row.seed, row.round) for row in rows
                if row.arm == "winning" and not row.source and row.status == SKIPPED}  # fmt: skip
        plan = (t for t in trainings(config) if t.source == name and t.arm == "winning")
        affected += [training for training in plan if (training.seed, training.round) in lost]
    return affected


def to_ticket(start: Start, provenance: Mapping[str, Any]) -> Ticket:
    """Returns the ticket of a start; its steps and seed go into the provenance."""
    settings: dict[str, Any] = {name: getattr(start, name) for name in _STEPS}
    settings |= {_SEED: start.seed, "parametrization": start.parametrization}
    return Ticket(start.masks, start.weights, start.fills, dict(provenance) | settings)


def to_start(ticket: Ticket) -> Start:
    """Returns the start that a ticket was made from, without optimizer state.

    Raises:
        LotteryError: its provenance lacks the steps or the seed of the start.
    """
    # Older versions stored the seed of the start as `seed`.
    stored = {_SEED: ticket.provenance.get("seed"), **ticket.provenance}
    if wrong := [name for name in (*_STEPS, _SEED) if not is_count(stored.get(name))]:
        raise LotteryError(
            f"Expected a ticket of a run, whose provenance has whole numbers for "
            f"{', '.join((*_STEPS, _SEED))}. Received: {shortened(str(stored.get(wrong[0])))} for "
            f"{wrong[0]}. Use a ticket that `keras-lottery run` wrote."
        )
    fields: dict[str, Any] = {name: int(stored[name]) for name in _STEPS}
    fields |= {"seed": int(stored[_SEED])}
    fields["parametrization"] = str(stored.get("parametrization", "zero"))
    return replace(Start(ticket.start, ticket.masks, ticket.fills), **fields)
