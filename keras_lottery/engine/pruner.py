"""The pruning step of every arm, for a run folder and for a search in memory alike."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from keras_lottery import pruning
from keras_lottery.arms import arms, needed
from keras_lottery.config import Config, PruneConfig
from keras_lottery.engine.graph import trainings
from keras_lottery.protocols import Task
from keras_lottery.types import MaskSet, Training, VariableInfo, Weights


def criteria_of(config: Config) -> set[str]:
    """Returns the names of the criteria by which the networks of a config are pruned."""
    names = (*config.arms, *config.transfer.arms)
    trained = {parent for name in names for parent in (name, *needed(name))}
    own = {getattr(arms[name], "criterion", "") for name in trained}
    return {config.prune.criterion, *own} - {""}


def check_rounds(config: Config, infos: Sequence[VariableInfo]) -> None:
    """Checks before anything is trained that every planned round can prune as much as it should.

    Raises:
        LotteryError: nothing can be pruned, a round would go below a floor, such as N of every M
            weights, or a key of `prune.rates` matches nothing.
    """
    last = max((t.round for t in trainings(config) if not t.source), default=0)
    pruning.kept_after(infos, config.prune, last)


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
