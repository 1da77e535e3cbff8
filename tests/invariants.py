"""Invariants of every run, checked from its folder alone; each check raises AssertionError."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from keras_lottery.records import read_results
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.tickets import Ticket, load_state
from keras_lottery.types import Training

REWOUND = ("winning", "one_shot")
FRESH = ("reinit", "permuted_layer", "permuted_global")


def check_rewound(folder: Path) -> None:
    """Every ticket that is rewound starts from the very weights of the rewind point."""
    paths = RunPaths(folder)
    for training in _of(paths, REWOUND):
        early = load_state(paths.rewind(training.seed))
        for path, value in Ticket.load(paths.ticket(training)).start.items():
            assert np.array_equal(value, early[f"weights/{path}"]), (
                f"{training}: {path} does not start from the rewind point"
            )


def check_masked(folder: Path) -> None:
    """Every trained weight that its ticket prunes is exactly 0, and some kept ones moved."""
    paths = RunPaths(folder)
    for training in _of(paths, REWOUND):
        if not paths.trained(training).exists():
            continue
        ticket, trained = Ticket.load(paths.ticket(training)), load_state(paths.trained(training))
        for path, mask in ticket.masks.items():
            assert not trained[path][~mask].any(), f"{training}: pruned weights of {path} trained"
            assert (trained[path][mask] != ticket.start[path][mask]).any(), f"{training}: {path}"


def check_fresh(folder: Path) -> None:
    """Every control that draws anew shares no kept start weight with the dense network."""
    paths = RunPaths(folder)
    for training in _of(paths, FRESH):
        dense = Ticket.load(paths.ticket(Training("", training.task, training.seed, 0, "dense")))
        ticket = Ticket.load(paths.ticket(training))
        for path, mask in ticket.masks.items():
            same = ticket.start[path][mask] == dense.start[path][mask]
            assert not same.any(), f"{training}: {same.sum()} weights of {path} are not fresh"


def _of(paths: RunPaths, arms: tuple[str, ...]) -> Iterator[Training]:
    """Yields the finished trainings of these arms; there must be one."""
    found = [row.training for row in read_results(paths.results) if row.arm in arms]
    assert found, f"no training of {arms} is finished"
    yield from found
