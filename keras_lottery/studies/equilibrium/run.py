"""Trains in full, with neurons at equilibrium frozen, and with as many frozen at random."""

from pathlib import Path

from keras_lottery.engine import open_run
from keras_lottery.errors import LotteryError
from keras_lottery.protocols import Task
from keras_lottery.records import GrowingTable
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.studies.equilibrium.options import EquilibriumConfig
from keras_lottery.studies.equilibrium.rows import (
    COUNTS,
    EPOCHS,
    TRAININGS,
    CountRow,
    EpochRow,
    TrainingRow,
)
from keras_lottery.studies.equilibrium.training import Trained, skipped, train
from keras_lottery.tasks.vision.task import VisionTask


def run(config: EquilibriumConfig) -> Path:
    """Trains every seed in every arm, or resumes, and returns the run folder.

    Raises:
        LotteryError: the config does not fit together, or its folder cannot be used.

    Reference:
        Bragagnolo et al. 2022, "To update or not to update? Neurons at equilibrium in deep
        models" (2207.09455).
    """
    with open_run(config) as (paths, task):
        vision, tables = _checked(config, task), _Tables(paths)
        for seed in config.seeds:
            for arm in sorted(config.options.arms, key=("full", "equilibrium", "random").index):
                if (seed, arm) in tables.done():
                    continue
                if arm == "random" and not tables.is_finished(seed, "equilibrium"):
                    tables.append(skipped(seed, arm))
                else:
                    tables.append(train(config, vision, seed, arm, tables.counts(seed)))
    return paths.root


def _checked(config: EquilibriumConfig, task: Task) -> VisionTask:
    if not isinstance(task, VisionTask) or config.distribution != "none":
        raise LotteryError(
            f"Expected the task 'vision' and distribution 'none'. Received: {task.name!r} and "
            f"{config.distribution!r}. Set task='vision' and distribution='none'."
        )
    held_out = len(task.images.validation) if task.images.validation else 0
    if held_out < config.options.examples:
        raise LotteryError(
            f"Expected at least {config.options.examples} validation images to compare outputs "
            f"on. Received: {held_out}. Raise data.validation_size or lower options.examples."
        )
    return task


class _Tables:
    """The run's tables; the row in trainings.csv comes last and is the commit mark."""

    def __init__(self, paths: RunPaths) -> None:
        self._trainings = GrowingTable(paths.root / TRAININGS, TrainingRow)
        self._epochs = GrowingTable(paths.root / EPOCHS, EpochRow)
        self._counts = GrowingTable(paths.root / COUNTS, CountRow)
        done = self.done()
        self._epochs.keep(lambda row: (row.seed, row.arm) in done)
        self._counts.keep(lambda row: (row.seed, "equilibrium") in done)

    def done(self) -> set[tuple[int, str]]:
        return {(row.seed, row.arm) for row in self._trainings.rows}

    def is_finished(self, seed: int, arm: str) -> bool:
        """Returns True if a training ended without diverging."""
        key = (seed, arm)
        return any(row.finished and (row.seed, row.arm) == key for row in self._trainings.rows)

    def counts(self, seed: int) -> list[dict[str, int]]:
        """Returns the neurons that `equilibrium` froze per layer, one mapping per epoch."""
        by_epoch: dict[int, dict[str, int]] = {}
        for row in self._counts.rows:
            if row.seed == seed:
                by_epoch.setdefault(row.epoch, {})[row.layer] = row.frozen
        return [by_epoch[epoch] for epoch in sorted(by_epoch)]

    def append(self, trained: Trained) -> None:
        self._epochs.append(*trained.epochs)
        self._counts.append(*trained.counts)
        self._trainings.append(trained.row)
