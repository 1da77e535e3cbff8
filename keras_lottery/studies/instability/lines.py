"""The lines between copies of one subject from one point, from the rows of path.csv."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from keras_lottery.studies.instability.rows import PathRow


@dataclass(frozen=True)
class Line:
    """The networks between the copies of one subject from one point.

    Args:
        subject: `dense` or `winning`.
        step: of the point.
        remaining: fraction of the prunable weights kept.
        alphas: places on the line.
        errors: by split and seed, the error at each place, mean over pairs.
        barriers: by split and seed, the instability, mean over pairs.
    """

    subject: str
    step: int
    remaining: float
    alphas: tuple[float, ...]
    errors: Mapping[str, Mapping[int, np.ndarray]]
    barriers: Mapping[str, Mapping[int, float]]


def lines(rows: Sequence[PathRow]) -> list[Line]:
    """Returns the measured lines, by subject and then by step."""
    cells: dict[tuple[str, int], list[PathRow]] = defaultdict(list)
    for row in rows:
        cells[row.subject, row.step].append(row)
    return [_line(subject, step, cells[subject, step]) for subject, step in sorted(cells)]


def _line(subject: str, step: int, rows: Sequence[PathRow]) -> Line:
    errors: dict[str, dict[int, np.ndarray]] = {}
    barriers: dict[str, dict[int, float]] = {}
    seeds = sorted({row.seed for row in rows})
    for split in ("test", "train"):
        of_pairs = {seed: _of_pairs(rows, seed, f"{split}_error") for seed in seeds}
        errors[split] = {seed: pairs.mean(axis=0) for seed, pairs in of_pairs.items()}
        barriers[split] = {
            seed: float(np.mean([barrier(pair) for pair in pairs]))
            for seed, pairs in of_pairs.items()
        }
    alphas = tuple(sorted({row.alpha for row in rows}))
    remaining = float(np.mean([row.remaining for row in rows]))
    return Line(subject, step, remaining, alphas, errors, barriers)


def _of_pairs(rows: Sequence[PathRow], seed: int, column: str) -> np.ndarray:
    """Returns the errors of a seed's pairs along their lines, `(pairs, alphas)`."""
    pairs: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in rows:
        if row.seed == seed:
            pairs[row.pair].append((row.alpha, getattr(row, column)))
    return np.array([[error for _, error in sorted(points)] for points in pairs.values()])


def barrier(errors: np.ndarray) -> float:
    """Returns the instability of a pair from the errors along its line, ends first and last."""
    return float(errors.max() - (errors[0] + errors[-1]) / 2)
