"""Heuristic supermasks: masks of a trained network over its untrained weights, never trained.

The masks of every criterion and level are measured on held-out images, over the initial weights
and over their signed constants; the best level of each is measured on the test set.

Reference: Zhou et al. 2019 (1905.01067), section 5.
"""

import time
from dataclasses import replace
from pathlib import Path

from keras_lottery import engine, pruning
from keras_lottery.arms.learned import signed_constant
from keras_lottery.engine.progress import ProgressBar
from keras_lottery.engine.run_reader import RunReader
from keras_lottery.errors import LotteryError
from keras_lottery.protocols import Task
from keras_lottery.records import GrowingTable, ResultRow
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.studies.supermasks.options import SupermasksConfig
from keras_lottery.studies.supermasks.rows import CHOSEN, LEVELS, arm_name
from keras_lottery.types import MaskSet, Start, Training

Rows = GrowingTable[ResultRow]


def run(config: SupermasksConfig) -> Path:
    """Trains the dense network of every seed, then measures its supermasks; returns the folder.

    Raises:
        LotteryError: the config does not fit together, or its folder cannot be used.
    """
    _check(config)
    with engine.open_run(config) as (paths, task):
        seeds = engine.train_all(replace(config, arms=()), paths, task)
        levels, chosen = (Rows(paths.root / name, ResultRow) for name in (LEVELS, CHOSEN))
        names = config.options.criteria
        with ProgressBar(len(seeds) * len(names), 0) as progress:
            for seed in seeds:
                sweep = Sweep(config, task, paths, seed)
                for criterion in names:
                    with progress.training(Training("", task.name, seed, 0, criterion)):
                        sweep.measure(criterion, levels, chosen)
    return paths.root


class Sweep:
    """The supermasks of one seed's dense network.

    Args:
        config: config of the study.
        task: evaluates the networks.
        paths: files of the run, with the network before and after training.
        seed: seed of the network.
    """

    def __init__(self, config: SupermasksConfig, task: Task, paths: RunPaths, seed: int) -> None:
        dense = Training("", task.name, seed, 0, "dense")
        self._config = config
        self._options = config.options
        self._task = task
        self._seed = seed
        self._infos = task.variables()
        files = RunReader(config, paths, task)
        self._initial = files.start_of(dense).weights
        self._final = files.trained(dense)
        constants = signed_constant(self._initial, pruning.full_masks(self._infos))
        self._weights = {"init": self._initial, "signed_constant": constants}

    def measure(self, criterion: str, levels: Rows, chosen: Rows) -> None:
        """Measures every level on held-out images, and the best one on the test set."""
        names = {arm_name(criterion, weights): weights for weights in self._options.weights}
        done = {row.training for row in levels.rows}
        for level in range(self._options.levels):
            missing = [arm for arm in names if self._training(arm, level) not in done]
            masks = self._masks(criterion, level) if missing else {}
            for arm in missing:
                value, seconds = self._value(names[arm], masks, "validation")
                levels.append(self._row(arm, level, masks, value, seconds))
        for arm, weights in names.items():
            if any(row.seed == self._seed and row.arm == arm for row in chosen.rows):
                continue
            best = self._best(arm, levels)
            masks = self._masks(criterion, best.round)
            value, seconds = self._value(weights, masks, "test")
            chosen.append(replace(self._row(arm, best.round, masks, value, seconds),
                                  best_value=best.value))  # fmt: skip

    def _best(self, arm: str, levels: Rows) -> ResultRow:
        """Returns the level with the best validation value; among equal ones, the densest."""
        sign = 1 if self._task.higher_is_better else -1
        rows = [row for row in levels.rows if row.seed == self._seed and row.arm == arm]
        return max(rows, key=lambda row: (sign * row.value, -row.round))

    def _masks(self, criterion: str, level: int) -> MaskSet:
        settings = replace(self._config.prune, criterion=criterion)
        return pruning.prune_to_round(
            self._final, {}, self._infos, settings, level, initial=self._initial, seed=self._seed
        )

    def _value(self, weights: str, masks: MaskSet, split: str) -> tuple[float, float]:
        """Returns the metric of an untrained masked network, and the seconds of measuring it."""
        examples = self._options.validation_examples if split == "validation" else 0
        began = time.perf_counter()
        start = Start(self._weights[weights], masks, seed=self._seed)
        metrics = self._task.evaluate(start, split, examples)
        return metrics[self._task.metric], time.perf_counter() - began

    def _training(self, arm: str, level: int) -> Training:
        return Training("", self._task.name, self._seed, level, arm)

    def _row(self, arm: str, level: int, masks: MaskSet, value: float, seconds: float) -> ResultRow:
        kept, prunable = pruning.kept(masks), sum(mask.size for mask in masks.values())
        return ResultRow(
            source="",
            task=self._task.name,
            seed=self._seed,
            round=level,
            arm=arm,
            draw=0,
            sparsity=1 - kept / prunable,
            kept=kept,
            prunable=prunable,
            total=sum(info.size for info in self._infos),
            flops=self._task.flops(masks),
            steps=0,
            seconds=seconds,
            compile_seconds=0.0,
            metric=self._task.metric,
            value=value,
            final_value=value,
            best_value=value,
            best_step=0,
        )


def _check(config: SupermasksConfig) -> None:
    for name in config.options.criteria:
        if pruning.criteria[name].derived:
            raise LotteryError(
                "Expected options.criteria that need only weights. "
                f"Received: {name!r}, which needs gradients. Leave it out."
            )
