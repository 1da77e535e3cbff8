"""The pruning step of every arm, for a run folder and for a search in memory alike."""

from dataclasses import replace
from typing import Any

from keras_lottery import pruning
from keras_lottery.config import Config, PruneConfig
from keras_lottery.protocols import Task
from keras_lottery.types import MaskSet, Training, Weights


class Pruner:
    """The part of a `RunView` that prunes, independent of where results are stored."""

    config: Config
    task: Task

    def prune_round(
        self, training: Training, weights: Weights, masks: MaskSet, criterion: str = ""
    ) -> MaskSet:
        settings, extra = self._settings(training, weights, criterion)
        infos = self.task.variables()
        return pruning.prune_round(weights, masks, infos, settings, training.round, **extra)

    def prune_to_round(self, training: Training, weights: Weights, criterion: str = "") -> MaskSet:
        settings, extra = self._settings(training, weights, criterion)
        infos = self.task.variables()
        return pruning.prune_to_round(weights, {}, infos, settings, training.round, **extra)

    def prune_to_count(
        self, training: Training, weights: Weights, keep: int, criterion: str = ""
    ) -> MaskSet:
        settings, extra = self._settings(training, weights, criterion)
        return pruning.prune_to_count(weights, {}, self.task.variables(), settings, keep, **extra)

    def _settings(
        self, training: Training, weights: Weights, criterion: str
    ) -> tuple[PruneConfig, dict[str, Any]]:
        """Returns the settings with the criterion, and what the criterion needs."""
        configured, task = self.config.prune, self.task
        settings = replace(configured, criterion=criterion or configured.criterion)
        extra: dict[str, Any] = {"seed": training.seed}
        if "initial" in pruning.criteria[settings.criterion].needs:
            extra["initial"] = task.start_weights(training.seed)
        extra["derive"] = lambda name, masks: task.derived(name, weights, masks, training.seed)
        return settings, extra
