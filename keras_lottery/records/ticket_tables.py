"""The tables next to tickets, checked against the training's row in results.csv.

They have no provenance, so a file of another training is detected by its numbers.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from keras_lottery.errors import LotteryError
from keras_lottery.records.rows import LayerRow, ResultRow
from keras_lottery.records.tables import read_numbers
from keras_lottery.records.writers import read_rows
from keras_lottery.types import MaskSet


def read_history(path: Path, row: ResultRow) -> list[dict[str, float]]:
    """Returns the history of a finished training; empty if there is no file.

    Raises:
        LotteryError: it is not a table of numbers, or its steps don't match the row.
    """
    history = read_numbers(path) if path.exists() else []
    steps = [entry["step"] for entry in history if "step" in entry]
    if not steps:
        return history
    if any(after <= before for before, after in itertools.pairwise(steps)):
        raise _foreign(path, "steps that rise", "steps that do not")
    if steps[-1] < row.steps or steps[-1] - steps[0] > row.steps:
        received = f"steps from {steps[0]:g} to {steps[-1]:g}"
        raise _foreign(path, f"the last {row.steps} steps of a training", received)
    best = _best_step(history)
    if best is not None and best != row.best_step:
        expected = f"the least validation loss at step {row.best_step}, as in results.csv"
        raise _foreign(path, expected, f"step {best:g}")
    return history


def read_layers(path: Path, row: ResultRow) -> list[LayerRow]:
    """Returns the layer table of a finished training; empty if there is no file.

    Raises:
        LotteryError: it has another form, or doesn't add up to the weights of the row.
    """
    layers = read_rows(path, LayerRow) if path.exists() else []
    kept, size = sum(layer.kept for layer in layers), sum(layer.size for layer in layers)
    if layers and (kept, size) != (row.kept, row.prunable):
        expected = f"{row.kept} of {row.prunable} weights kept, as in results.csv"
        raise _foreign(path, expected, f"{kept} of {size}")
    return layers


def check_masks(path: Path, layers: Sequence[LayerRow], masks: MaskSet, ticket: Path) -> None:
    """Raises LotteryError if a layer table doesn't match a ticket's masks."""
    kept: Mapping[str, int] = {layer.path: layer.kept for layer in layers}
    for name, mask in masks.items():
        count = int(np.count_nonzero(mask))
        if layers and kept.get(name) != count:
            expected = f"{count} weights of {name} kept, as in {ticket.name}"
            raise _foreign(path, expected, str(kept.get(name, "no such row")))


def _best_step(history: Sequence[Mapping[str, float]]) -> float | None:
    """Returns the first step of the least validation loss; None if it is unknown."""
    losses = [entry.get("val_loss", math.nan) for entry in history]
    if not all(map(math.isfinite, losses)):
        return None
    return history[losses.index(min(losses))].get("step")


def _foreign(path: Path, expected: str, received: str) -> LotteryError:
    return LotteryError(
        f"Expected {path} to hold {expected}. Received: {received}. It may be another training's: "
        "put the right file back, or remove it and the training's row to train it again."
    )
