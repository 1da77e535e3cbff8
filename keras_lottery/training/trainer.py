"""Trains one model from any start, ticket after ticket, reusing one compiled program."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from keras_lottery import backend, masking
from keras_lottery.backend.distribution import Distribution
from keras_lottery.config import OptimizerConfig, TrainConfig
from keras_lottery.config.duration import Duration
from keras_lottery.errors import LotteryError
from keras_lottery.masking.keras_internals import clip_sums, flatten_layers, run_first_batch
from keras_lottery.protocols import Progress
from keras_lottery.records import CONSTANT_OUTPUT
from keras_lottery.training import checkpoint
from keras_lottery.training.checkpoint import restore_start
from keras_lottery.training.compilation import choose_compilation
from keras_lottery.training.data import ArrayData, EpochData
from keras_lottery.training.evaluation import Evaluations
from keras_lottery.training.loop import results, steps_per_call, train_steps
from keras_lottery.training.optimizers import build_optimizer
from keras_lottery.training.programs import make_program
from keras_lottery.types import Start, State, TrainingResult


class Trainer:
    """Compiles a model once and trains it from any start.

    Args:
        model: built and masked, created under the distribution's scope.
        optimizer: optimizer and schedule.
        train: length, batch size, evaluation.
        data: the arrays.
        loss: Keras loss or its name.
        metrics: Keras metrics or their names.
        distribution: the devices of the replicas.
        samples: passes over the test set to average for stochastic masks.
        measure: returns further metrics of the trained model by name, e.g. a BLEU score.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: OptimizerConfig,
        train: TrainConfig,
        data: ArrayData,
        loss: keras.losses.Loss | str,
        metrics: Sequence[keras.metrics.Metric | str] = (),
        distribution: Distribution | None = None,
        samples: int = 1,
        measure: Callable[[keras.Model], dict[str, float]] | None = None,
    ) -> None:
        self.model = model
        self.config = train
        self.distribution = distribution or Distribution()
        self.distribution.check_batch_norm(flatten_layers(model))
        self.order = data.batches(train)
        for step in self.order.shapes:
            self.distribution.check_batch(self.order.rows(step, step + 1).shape[1])
        self.steps_per_epoch = self.order.steps_per_epoch
        self.every = train.eval_every or self.steps_per_epoch
        self.total_steps = Duration.parse(train.length).steps(self.steps_per_epoch)
        self.averaged = self._averaged_steps()
        with self.distribution.scope():
            built = build_optimizer(optimizer, self.steps_per_epoch, self.total_steps)
            model.compile(optimizer=built, loss=loss, metrics=list(metrics))
            # Under mixed_float16 it is another one, which scales the loss.
            model.optimizer.build(model.trainable_variables)
            if backend.name() == "tensorflow":
                clip_sums(built, self.distribution.replicas)
            _build_metrics(model, data.train, self.distribution.replicas)
        self._fresh_optimizer = checkpoint.capture_optimizer(model.optimizer)
        several = steps_per_call(self.order, self.every) > 1
        compilation = choose_compilation(model, self.distribution, train.jit, several)
        self.program = make_program(model, self.distribution, compilation)
        self._train = EpochData(self.program, data)
        self.data = data
        self.evaluations = Evaluations(
            model, self.program, data, self.distribution, samples, measure
        )
        self._compiled = False

    def fit(
        self, start: Start, *, capture_at: int | None, data_seed: int, progress: Progress
    ) -> TrainingResult:
        """Trains from `start` to the end.

        Args:
            start: weights, masks and the step to start at.
            capture_at: step at which to capture the full state; None: never.
            data_seed: seed of the data order, shared by the arms of a comparison.
            progress: reports progress.
        """
        self.check(start, capture_at)
        self.restore(start)
        compile_seconds = self._compile(data_seed)
        self.restore(start)
        initial = self.evaluations.judge() if self.config.evaluate_start else {}
        started = time.perf_counter()
        recorder = _Recorder(self, start, capture_at)
        progress.update(start.step, self.total_steps, float("nan"))
        for step in self._steps(start, capture_at, data_seed):
            logs = recorder.record(step)
            progress.update(step, self.total_steps, logs.get("loss", float("nan")))
        result = recorder.finish(time.perf_counter() - started, compile_seconds)
        return replace(result, initial=initial)

    def check(self, start: Start, capture_at: int | None) -> None:
        """Raises LotteryError for a start after the end, or after the first averaged checkpoint."""
        if start.step >= self.total_steps:
            raise LotteryError(
                f"Expected a start before the end of the training at step {self.total_steps}. "
                f"Received: step {start.step}. Rewind to an earlier step or train for longer."
            )
        latest, first = max(start.step, capture_at or 0), min(self.averaged, default=None)
        if first is not None and first < latest:
            raise LotteryError(
                f"Expected all averaged checkpoints after step {latest}, where tickets "
                f"start. Received: the first of {len(self.averaged)} at step {first}. "
                "Lower train.average or train.average_every."
            )

    def restore(self, start: Start) -> None:
        """Restores the weights, masks, optimizer and seeds of a start."""
        restore_start(self.model, start, self._fresh_optimizer)

    def averaged_variables(self) -> list[keras.Variable]:
        """Returns all variables that training changes, except optimizer and seeds."""
        return [*masking.variables(self.model).values(), *masking.scores(self.model)]

    def is_evaluated(self, step: int) -> bool:
        """Returns True for steps at which the validation set is evaluated."""
        return step % self.every == 0

    def _steps(self, start: Start, capture_at: int | None, seed: int) -> Iterator[int]:
        return train_steps(
            self.program,
            self._train,
            self.data.batches(self.config, seed),
            range(start.step, self.total_steps),
            stops=self.averaged | ({capture_at} if capture_at else set()),
            every=self.every,
            shift=start.data_order_step - start.step,
        )

    def _averaged_steps(self) -> frozenset[int]:
        """Returns the steps of the averaged checkpoints, including the last step."""
        every = Duration.parse(self.config.average_every).steps(self.steps_per_epoch)
        before = range(self.config.average) if self.config.average > 1 else ()
        return frozenset(self.total_steps - every * i for i in before)

    def _compile(self, seed: int) -> float:
        """Traces and compiles everything once; returns the seconds it took.

        It takes one step per batch shape: without a loop, only real steps compile.
        """
        if self._compiled:
            return 0.0
        started = time.perf_counter()
        capacity = steps_per_call(self.order, self.every)
        for step in self.order.shapes:
            batch = self.order.rows(step, step + 1).shape[1]
            arrays = self._train.at(0, seed, self.order.part(step))
            self.program.train(arrays, np.zeros((capacity, batch), np.int32), 1)
        self.evaluations.evaluate()
        self.evaluations.validate()
        backend.copies(self.model.variables)
        self._compiled = True
        return time.perf_counter() - started


class _Recorder:
    """Records a training at its pauses: rewind point, validation minimum, history."""

    def __init__(self, trainer: Trainer, start: Start, capture_at: int | None) -> None:
        self._trainer = trainer
        self._start = start
        self._capture_at = capture_at
        self._best = float("inf")
        self._best_step = 0
        self._best_weights: list[Any] = []
        self._rewind: State | None = None
        self._history: list[dict[str, float]] = []
        self._sums: list[Any] = []
        self._summed = 0
        self._capture(start.step)

    def record(self, step: int) -> dict[str, float]:
        trainer = self._trainer
        self._capture(step)
        if not (trainer.is_evaluated(step) or step == trainer.total_steps):
            return {}
        logs = {"step": step} | results(trainer.model) | trainer.evaluations.validate()
        self._history.append(logs)
        loss = logs.get("val_loss")
        if loss is not None and loss < self._best:
            self._best, self._best_step = loss, step
            self._best_weights = backend.copies(self._trainer.averaged_variables())
        return logs

    def finish(self, seconds: float, compile_seconds: float) -> TrainingResult:
        trainer = self._trainer
        if self._sums:
            self._assign([total / self._summed for total in self._sums])
        learned = masking.is_learned(trainer.model)
        masks = masking.get_masks(trainer.model) if learned else {}
        weights = masking.effective_weights(trainer.model)
        final = trainer.evaluations.judge()
        metrics = trainer.evaluations.evaluate_thresholded()
        if trainer.evaluations.is_constant():
            metrics[CONSTANT_OUTPUT] = 1.0
        best, best_step = final, trainer.total_steps
        if self._best_weights and self._best_step != trainer.total_steps:
            best_step = self._best_step
            last = backend.copies(self._trainer.averaged_variables())
            self._assign(self._best_weights)
            best = trainer.evaluations.judge()
            self._assign(last)
        steps = trainer.total_steps - self._start.step
        return TrainingResult(
            weights,
            self._rewind,
            steps,
            seconds,
            compile_seconds,
            final,
            best,
            best_step,
            masks=masks,
            metrics=metrics,
            history=self._history,
        )

    def _capture(self, step: int) -> None:
        if step == self._capture_at:
            epoch = step // self._trainer.steps_per_epoch
            self._rewind = checkpoint.capture(self._trainer.model, step, epoch)
        if step in self._trainer.averaged:
            values = backend.copies(self._trainer.averaged_variables())
            self._sums = [a + b for a, b in zip(self._sums, values)] if self._sums else values
            self._summed += 1

    def _assign(self, values: list[Any]) -> None:
        for variable, value in zip(self._trainer.averaged_variables(), values, strict=True):
            variable.assign(value)


def _build_metrics(model: keras.Model, train: Any, replicas: int) -> None:
    """Creates the metrics' variables, which Keras does on the first batch."""
    batch = keras.tree.map_structure(lambda array: array[:replicas], train)
    run_first_batch(model, *batch)
