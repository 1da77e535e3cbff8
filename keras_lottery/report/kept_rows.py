"""Rows of the tables that replace the files of single trainings in a folder of kept results."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from keras_lottery.records import TableRow, read_rows

CURVES, DENSITIES, OVERLAPS = "curves.csv", "densities.csv", "overlaps.csv"
CONNECTIONS, INPUTS = "connections.csv", "inputs.csv"
SPECTRA, SAMPLES = "spectra.csv", "samples.csv"


@dataclass(frozen=True)
class DensityRow(TableRow):
    """Density of one variable in one round of an arm, mean over seeds."""

    task: str
    arm: str
    round: int
    remaining: float
    path: str
    size: int
    density: float
    seeds: int


@dataclass(frozen=True)
class OverlapRow(TableRow):
    """Overlap between the masks of the seeds in one round of an arm, as in `SeedOverlap`."""

    task: str
    arm: str
    round: int
    remaining: float
    mean: float
    low: float
    high: float
    chance: float
    chance_global: float
    pairs: int


@dataclass(frozen=True)
class ConnectionRow(TableRow):
    """The connected inputs and units of one dense layer of one network, as in `LayerRow`."""

    task: str
    arm: str
    seed: int
    round: int
    draw: int
    path: str
    connected_inputs: int
    connected_units: int


@dataclass(frozen=True)
class InputRow(TableRow):
    """The kept weights of a network's first layer that read one of its inputs, from 1."""

    task: str
    arm: str
    seed: int
    round: int
    draw: int
    input: int
    kept: int


@dataclass(frozen=True)
class CurveRow(TableRow):
    """A point of an arm's learning curve in one panel: mean and spread over seeds and draws."""

    task: str
    panel: int
    arm: str
    step: float
    mean: float
    sd: float


@dataclass(frozen=True)
class SpectrumRow(TableRow):
    """A point of the sorted spectrum of one seed."""

    task: str
    seed: int
    index: float
    value: float


Row = TypeVar("Row", DensityRow, OverlapRow, ConnectionRow, InputRow, CurveRow, SpectrumRow)


def read_kept(root: Path, name: str, kind: type[Row], task: str) -> list[Row]:
    """Returns the rows of a task in a kept table; empty if there is no such table.

    Raises:
        LotteryError: the table is damaged.
    """
    file = root / name
    return [row for row in read_rows(file, kind) if row.task == task] if file.exists() else []


def short(value: float) -> float:
    """Rounds to the six digits that a kept table has."""
    return float(f"{value:.6g}")
