"""Gradual pruning during Keras' own `fit`."""

import warnings
from collections.abc import Collection
from typing import Any, TypeVar

import keras

from keras_lottery import masking, pruning
from keras_lottery.errors import LotteryError
from keras_lottery.pruning.counts import count
from keras_lottery.toolkit.mask_model import mask_selected
from keras_lottery.toolkit.prune_model import counts_selected, prune_selected
from keras_lottery.training.step_callback import StepCallback

AnyCallback = TypeVar("AnyCallback", bound=keras.callbacks.Callback)


class GradualPruning(StepCallback):
    """Raises the sparsity from `initial_sparsity` to `final_sparsity`, following a cubic schedule.

    With s_i and s_f the initial and final sparsity, at step t from t_0 to t_1

        s(t) = s_f + (s_i - s_f) * (1 - (t - t_0) / (t_1 - t_0))**3.

    A step is an update of the model's optimizer, counted by `optimizer.iterations`, so the
    schedule continues in a second `fit`, at `initial_epoch` and after a checkpoint is loaded. If
    the model's own optimizer is not used, a step is a batch. A sparser model is unchanged until
    the schedule catches up.

    Stored weights and optimizer slots become zero where a weight is pruned, so checkpoints
    are sparse. The model is masked on first use.

    Args:
        final_sparsity: fraction removed at `end_step`, in (0, 1).
        end_step: optimizer step at which the final sparsity is reached.
        begin_step: step of the first mask update; 0 prunes before the first optimizer update.
        initial_sparsity: fraction removed at `begin_step`.
        frequency: steps between mask updates.
        criterion: name of a registered criterion that needs only the weights.
        scope: name of a registered allocation.
        include: path patterns of variables to prune; empty: kernels and embeddings. See `kl.mask`,
            which masks with these options on first use; in a masked model, they select among its
            masks.
        exclude: path patterns of variables that are never pruned.
        biases: prune biases too.
        norms: prune the scales and shifts of normalization layers too.
        embeddings: prune embeddings.
        output: prune the output layer.
        output_layer: path pattern of the output layer, if it isn't detected.
        pattern: which weights are pruned together; the sparsities are fractions of such groups.
            See `kl.prune`.

    Raises:
        LotteryError: a sparsity or step is out of range, or the options don't go together. At the
            start of training: the final sparsity cannot be reached.

    Warns:
        UserWarning: `fit` is too short to reach `end_step`, or it ended below `final_sparsity`,
            because it stopped early or a callback restored earlier weights. Or the optimizer has
            passed `begin_step` with a dense model, which then is pruned at once.

    Example:
        >>> pruning = GradualPruning(final_sparsity=0.9, end_step=2000)
        >>> stopping = pruning.when_sparse(keras.callbacks.EarlyStopping(patience=3))
        >>> model.fit(x, y, validation_data=(xv, yv), callbacks=[pruning, stopping])

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
        include: masking.Patterns = (),
        exclude: masking.Patterns = (),
        biases: bool = False,
        norms: bool = False,
        embeddings: bool = True,
        output: bool = True,
        output_layer: str = "",
        pattern: str = "weights",
    ) -> None:
        super().__init__()
        self._of_model: keras.Model | None = None
        self.schedule = pruning.CubicSchedule(
            final_sparsity, end_step, begin_step, frequency, initial_sparsity
        )
        self.criterion, self.scope = criterion, scope
        self.selection = masking.options_from(
            include, exclude, biases, norms, embeddings, output, output_layer, pattern
        )
        pruning.check_choices(pattern, criterion, scope)
        if needs := pruning.criteria[criterion].needs - {"final"}:
            raise LotteryError(
                "Expected a criterion that needs only the weights. Received: "
                f"{criterion!r}, which needs the {', '.join(sorted(needs))}. Choose another, or "
                "call kl.prune between fits."
            )

    def when_sparse(self, callback: AnyCallback) -> AnyCallback:
        """Hides epochs that end below `final_sparsity` from a callback.

        `EarlyStopping` and `ModelCheckpoint(save_best_only=True)` would otherwise prefer an early,
        denser epoch, and `ReduceLROnPlateau` would count epochs in which pruning costs accuracy.

        Args:
            callback: any Keras callback; only its `on_epoch_end` changes, in place.

        Returns:
            The callback.
        """
        final_sparsity, on_epoch_end = self.schedule.final_sparsity, callback.on_epoch_end

        def on_sparse_epoch_end(epoch: int, logs: Any = None) -> None:
            if self._reaches(callback.model, final_sparsity):
                on_epoch_end(epoch, logs)

        callback.on_epoch_end = on_sparse_epoch_end
        return callback

    def stops(self) -> Collection[int]:
        batches, per_update = self._clock()
        return [t * per_update - batches for t in self.schedule.steps if t * per_update > batches]

    def set_model(self, model: keras.Model) -> None:
        if self._of_model is not model:
            self._of_model = model
            self._batches, self._is_idle, self._is_reachable = 0, False, False
        super().set_model(model)
        self._mask()  # before a callback's on_train_begin loads a checkpoint, which has masks

    def on_train_begin(self, logs: Any = None) -> None:
        super().on_train_begin(logs)
        self._too_short = False
        self._batches_before = self._batches
        self._iterations_before = masking.iterations(self.model)
        self._check_at_the_very_end()

    def on_first_epoch(self, epoch: int) -> None:
        self._iterations_before = masking.iterations(self.model)
        if self._iterations_before or self._is_idle or not epoch:  # or the clock isn't known yet
            self._warn_if_too_short(self.steps_left())
            self._warn_if_late()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        super().on_epoch_begin(epoch, logs)
        self._pruned_at: int | None = None  # a callback may have set earlier weights and masks
        self._prune_if_due()

    def on_steps_end(self, last: int, step: int) -> None:
        self._batches += step - last
        self._prune_if_due()

    def _clock(self) -> tuple[int, int]:
        """Returns the batches so far, earlier fits included, and the batches per update.

        If the model's optimizer is idle, `train_step` uses others, and each batch is an update.
        """
        batches = masking.iterations(self.model)
        if batches != self._iterations_before:
            self._is_idle, self._iterations_before = False, -1
        elif self._batches > self._batches_before:
            self._is_idle = True
        if batches is None or self._is_idle:
            return max(self._step, self._batches), 1
        return batches, masking.batches_per_update(self.model)

    def _updates(self) -> int:
        batches, per_update = self._clock()
        return batches // per_update

    def _mask(self) -> bool:
        """Masks the model if needed; returns False if it has no weights yet."""
        if not self.model.built:
            return False
        if not self._is_reachable:  # an error now, instead of at the last pruning
            self._prune(self.schedule.final_sparsity, dry_run=True)
            self._is_reachable = True
        if not masking.is_masked(self.model) or pruning.needs_channels(self.selection.pattern):
            mask_selected(self.model, self.selection)
        return True

    def _prune_if_due(self) -> None:
        due = self.schedule.due(self._updates())
        if due is None or due == self._pruned_at:
            return
        masking.sync_trainer(self.model)
        if not self._mask():
            return
        self._pruned_at = due
        self._prune(self.schedule.sparsity(due))

    def _warn_if_late(self) -> None:
        """Warns that the schedule counts the steps that a dense model has been trained for."""
        steps, schedule = self._updates(), self.schedule
        due = schedule.due(steps)
        if due is None or steps <= schedule.begin_step or self._sparsity(self.model):
            return
        if sparsity := schedule.sparsity(due):
            warnings.warn(
                f"Expected a training that starts by begin_step={schedule.begin_step}. Received: a "
                f"dense model after {steps} steps, which is now pruned to a sparsity of "
                f"{sparsity:.4g} at once. Add int(model.optimizer.iterations) to begin_step and "
                "end_step, or compile the model again, which sets the steps to 0.",
                stacklevel=2,
            )

    def _prune(self, sparsity: float, dry_run: bool = False) -> None:
        if not self._reaches(self.model, sparsity, exactly=True):
            prune_selected(
                self.model,
                sparsity,
                self.selection,
                criterion=self.criterion,
                scope=self.scope,
                dry_run=dry_run,
            )

    def _warn_if_too_short(self, steps: int | None) -> None:
        batches, per_update = self._clock()
        schedule = self.schedule
        last = (batches + (steps or 0)) // per_update
        if steps is None or last >= schedule.end_step:
            return
        self._too_short = True
        warnings.warn(
            f"Expected a training that reaches end_step={schedule.end_step} and sparsity "
            f"{schedule.final_sparsity}. Received: a fit that ends at step {last} and sparsity "
            f"{schedule.reached(last):.4g}. Train for more epochs, lower end_step, or continue "
            "in another fit.",
            stacklevel=2,
        )

    def _check_at_the_very_end(self) -> None:
        """Defers the check of the sparsity until later callbacks have restored weights.

        `fit` appends its `History` to the callbacks, so Keras calls that last.
        """
        history: Any = getattr(self.model, "history", None)
        self._is_checked_later = history is not None and history.params is self.params
        if not self._is_checked_later:
            return
        on_train_end = history.on_train_end

        def on_very_end(logs: Any = None) -> None:
            vars(history).pop("on_train_end", None)
            on_train_end(logs)
            self._warn_if_too_dense()

        history.on_train_end = on_very_end

    def on_train_end(self, logs: Any = None) -> None:
        if not self._is_checked_later:
            self._warn_if_too_dense()

    def _warn_if_too_dense(self) -> None:
        schedule, step = self.schedule, self._updates()
        # A fit that is too short has been warned about when it started.
        expected = schedule.reached(step) if self._too_short else schedule.final_sparsity
        if self._reaches(self.model, expected):
            return
        warnings.warn(
            f"Expected a sparsity of {schedule.final_sparsity} at the end of training. Received: "
            f"{self._sparsity(self.model):.4g} after step {step}, with "
            f"end_step={schedule.end_step}: training ended early, or a callback restored earlier "
            "weights. Train on, or wrap that callback: pruning.when_sparse(EarlyStopping(...)).",
            stacklevel=2,
        )

    def _sparsity(self, model: keras.Model) -> float:
        """Returns the fraction of the selected weights or groups removed; 0 without masks."""
        if not masking.is_masked(model):
            return 0.0
        counts = counts_selected(model, self.selection)
        return counts.pruned / counts.size if counts.size else 0.0

    def _reaches(self, model: keras.Model, sparsity: float, exactly: bool = False) -> bool:
        """Returns True if at least as many weights are pruned as `prune` would at this sparsity.

        Args:
            model: the model.
            sparsity: fraction of the weights or groups.
            exactly: count what `prune` may keep to leave a multiple as lacking.
        """
        if not masking.is_masked(model):
            return sparsity == 0
        counts = counts_selected(model, self.selection)
        least = count(sparsity, counts.size) - (0 if exactly else counts.most_given_back)
        return counts.pruned >= least
