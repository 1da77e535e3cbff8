"""The rows of a search, as a run folder has them."""

from dataclasses import asdict, dataclass

import keras

from keras_lottery import pruning
from keras_lottery.records import ResultRow
from keras_lottery.types import Start, State, Training, TrainingResult


@dataclass(frozen=True)
class Network:
    """The masked network of a search.

    Args:
        model: masked and compiled; its weights are those of the last training.
        optimizer: `capture_optimizer` of its newly built optimizer.
        prunable: number of prunable weights.
        total: number of all weights.
    """

    model: keras.Model
    optimizer: State
    prunable: int
    total: int


def row_of(
    training: Training, start: Start, result: TrainingResult, network: Network, metric: str
) -> ResultRow:
    """Returns a training's row, as a run folder has it."""
    remaining = remaining_of(start)
    return ResultRow(
        **asdict(training),
        sparsity=1 - remaining,
        kept=round(remaining * network.prunable),
        prunable=network.prunable,
        total=network.total,
        flops=0,  # a search doesn't count them
        steps=result.steps,
        seconds=result.seconds,
        compile_seconds=result.compile_seconds,
        metric=metric,
        value=result.final_value,
        final_value=result.final_value,
        best_value=result.best_value,
        best_step=result.best_step,
        status=result.status,
    )


def remaining_of(start: Start) -> float:
    """Returns the fraction of the prunable weights that a start keeps."""
    return 1 - pruning.sparsity(start.masks) if start.masks else 1.0
