"""The lines between copies of one subject from one point, from the rows of path.csv."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from keras_lottery.studies.instability.rows import PathRow


@dataclass(frozen=True)
class Line:
    """The networks on the lines between copies of one subject from one point.

    Args:
        subject: `dense` or `winning`.
        step: optimizer step of the point.
        remaining: fraction of the prunable weights kept.
        alphas: positions on the line.
        errors: by split and seed, the error at each position, mean over pairs.
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
    table = pd.DataFrame(rows, columns=PathRow.columns())
    return [
        _line(subject, int(step), own)
        for (subject, step), own in table.groupby(["subject", "step"])
    ]


def _line(subject: str, step: int, rows: pd.DataFrame) -> Line:
    errors: dict[str, dict[int, np.ndarray]] = {}
    barriers: dict[str, dict[int, float]] = {}
    for split in ("test", "train"):
        pairs = rows.pivot_table(f"{split}_error", ["seed", "pair"], "alpha")
        means = pairs.groupby("seed").mean()
        errors[split] = {seed: mean.to_numpy() for seed, mean in means.iterrows()}
        barriers[split] = pairs.apply(barrier, axis=1, raw=True).groupby("seed").mean().to_dict()
    alphas = tuple(sorted(set(rows["alpha"])))
    return Line(subject, step, float(rows["remaining"].mean()), alphas, errors, barriers)


def barrier(errors: np.ndarray) -> float:
    """Returns the instability of a pair from the errors along its line, ends first and last."""
    return float(errors.max() - (errors[0] + errors[-1]) / 2)
