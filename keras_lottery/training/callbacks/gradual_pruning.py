"""Pruning little by little during plain `fit`."""

from collections.abc import Collection, Sequence
from typing import Any

from keras_lottery import checks, masking, pruning
from keras_lottery.training.callbacks.steps import StepCallback


class GradualPruning(StepCallback):
    """Raises the sparsity from `initial_sparsity` to `final_sparsity` along a cubic.

    With s_i and s_f the initial and final sparsity, at step t from t_0 to t_1

        s(t) = s_f + (s_i - s_f) * (1 - (t - t_0) / (t_1 - t_0))**3.

    Stored weights and optimizer slots become zero where a weight is pruned, so checkpoints
    are sparse. The model is masked on first use.

    Args:
        final_sparsity: fraction removed at `end_step`, in (0, 1].
        end_step: optimizer step at which the final sparsity is reached.
        begin_step: step of the first pruning.
        initial_sparsity: fraction removed at `begin_step`.
        frequency: steps between prunings.
        criterion: name of a registered criterion that needs no data.
        scope: name of a registered allocation.
        include: path patterns to prune; all by default. Used where the model is not masked yet.
        exclude: path patterns to leave alone.

    Raises:
        LotteryError: a sparsity outside its range, or a training too short to reach `end_step`.

    Example:
        >>> model.fit(x, y, callbacks=[GradualPruning(final_sparsity=0.9, end_step=2000)])

    Reference:
        Zhu & Gupta 2017, "To prune, or not to prune" (1710.01878), section 3.
    """

    def __init__(
        self,
        final_sparsity: float,
        end_step: int,
        *,
        begin_step: int = 0,
        initial_sparsity: float = 0.0,
        frequency: int = 100,
        criterion: str = "magnitude",
        scope: str = "global",
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
    ) -> None:
        super().__init__()
        _ = pruning.criteria[criterion], pruning.allocations[scope]
        self.schedule = pruning.CubicSchedule(
            final_sparsity, end_step, begin_step, frequency, initial_sparsity
        )
        self.criterion, self.scope = criterion, scope
        self.include = checks.patterns(include, "include")
        self.exclude = checks.patterns(exclude, "exclude")

    def stops(self) -> Collection[int]:
        schedule = self.schedule
        return (*range(schedule.begin_step, schedule.end_step, schedule.every), schedule.end_step)

    def on_train_begin(self, logs: Any = None) -> None:
        super().on_train_begin(logs)
        planned = self.planned_steps()
        if planned is not None:
            self.schedule.check(planned)
        if not masking.is_masked(self.model) and self.model.built:
            masking.mask(self.model, include=self.include, exclude=self.exclude)

    def on_steps_end(self, last: int, step: int) -> None:
        if self.schedule.fires(step, since=last):
            masking.sync_trainer(self.model)
            sparsity = self.schedule.sparsity(step)
            masking.prune(self.model, sparsity, criterion=self.criterion, scope=self.scope)

    def on_train_end(self, logs: Any = None) -> None:
        if not self.model.stop_training:
            self.schedule.check(self._step)
