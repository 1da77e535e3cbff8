"""The engine's task for a model and data in memory: a clone of the model, trained by `fit`."""

import math
import time
import warnings
from typing import Any

import keras
import numpy as np

from keras_lottery import masking, toolkit
from keras_lottery.arms import FAMILIES
from keras_lottery.backend.distribution import is_distributed, scope_of
from keras_lottery.config import Config
from keras_lottery.config.duration import Duration
from keras_lottery.errors import LotteryError
from keras_lottery.protocols import Progress
from keras_lottery.records import CONSTANT_OUTPUT
from keras_lottery.search.examples import examples_of
from keras_lottery.search.metric import choose_metric, higher_is_better
from keras_lottery.search.rows import Network
from keras_lottery.search.settings import (
    DEFAULTS,
    check_masks_are_kept,
    check_model,
    check_settings,
    epochs_of_data,
    validate_last,
    with_length,
)
from keras_lottery.tasks.seeding import seeded
from keras_lottery.tasks.supervised import DERIVE_EXAMPLES
from keras_lottery.toolkit.callbacks import RewindPoint
from keras_lottery.training import fit, is_arrays, prepare
from keras_lottery.training.arrays import weighted_and_split
from keras_lottery.training.checkpoint import capture_optimizer, restore_start
from keras_lottery.training.checks import check_arrays, check_labels
from keras_lottery.training.derivatives import derive
from keras_lottery.training.evaluation import is_constant
from keras_lottery.training.fit import callback_list
from keras_lottery.training.loop import single_values
from keras_lottery.training.optimizers import make_restartable
from keras_lottery.training.programs import TimedProgram
from keras_lottery.training.resident import FitProgram
from keras_lottery.training.step_callback import StepCallback
from keras_lottery.types import (
    MaskSet,
    Start,
    State,
    Training,
    TrainingResult,
    VariableInfo,
    Weights,
)


class FitTask:
    """A `Task` from the arguments of `fit`, which trains a clone of the model."""

    name = "search"

    def __init__(
        self,
        model: keras.Model,
        x: Any,
        y: Any,
        config: Config,
        settings: dict[str, Any],
        reinitialize: bool = False,
    ) -> None:
        check_model(model)
        check_settings(x, settings)
        x, settings = with_length(x, settings)
        self._original = model
        self._start = masking.get_weights(model)
        self._reinitialize = reinitialize
        prune = config.prune
        fixed = set(FAMILIES["pruned_values"]).intersection(config.arms)
        with scope_of(model):
            self._model = toolkit.mask(
                model,
                parametrization="frozen" if fixed else "zero",
                include=prune.include,
                exclude=prune.exclude,
                biases=prune.biases,
                norms=prune.norms,
                embeddings=prune.embeddings,
                output=prune.output,
                in_place=False,
                pattern=prune.pattern,
            )
        if getattr(self._model, "optimizer", None) is None:
            raise LotteryError(
                "Expected a model whose compile settings can be copied. Received: "
                f"{type(model).__name__}, with a compile method that Keras can't repeat. Add "
                "get_compile_config and compile_from_config to it."
            )
        self._epochs = epochs_of_data(x, settings)
        make_restartable(self._model.optimizer, self.steps(config.train.length))
        with scope_of(model):
            self._model.optimizer.build(self._model.trainable_variables)
        self._fresh_optimizer = capture_optimizer(self._model.optimizer)
        self._timed: TimedProgram | None = None
        self._program: FitProgram | None = None
        if is_arrays(x) and not is_distributed(model):
            examples = check_arrays(x, y, settings.get("sample_weight"))
            check_labels(self._model, *examples)
            self._timed = TimedProgram(prepare(self._model, *examples).program)
            self._program = FitProgram(self._timed)
        self._config, self._x, self._y = config, x, y
        epochs = Duration.parse(config.train.length).count
        every = validate_last(settings.get("validation_freq", 1), epochs)
        self._settings = {"verbose": 0} | settings | {"validation_freq": every}
        self._callbacks = callback_list(self._settings.pop("callbacks", None))
        self._examples: dict[int, tuple[Any, ...]] = {}
        self.metric = ""  # the first training decides
        self.higher_is_better: bool | None = None

    def variables(self) -> list[VariableInfo]:
        return toolkit.describe_selected(self._model, self._config.prune)

    def start_weights(self, seed: int) -> Weights:
        first = seed == self._config.seeds[0]
        return self._start if first or not self._reinitialize else self.fresh_weights(seed)

    def network(self) -> Network:
        """Returns what rebuilds the trained networks, without the data."""
        prunable = sum(v.size for v in self.variables() if v.prunable)
        total = sum(v.size for v in self.variables())
        return Network(self._model, self._fresh_optimizer, prunable, total)

    def fresh_weights(self, seed: int) -> Weights:
        """Returns newly initialized weights.

        Raises:
            LotteryError: the initializers return the model's prunable weights again.
        """
        with seeded(seed):
            fresh = masking.fresh_weights(self._original)
        prunable = [v.path for v in self.variables() if v.prunable]
        if all(np.array_equal(fresh[path], self._start[path]) for path in prunable):
            raise LotteryError(
                "Expected initializers that return new weights each time, for arms that "
                "re-initialize. Received: initializers that return the same weights as before. "
                "Give them an argument and attribute `seed`, or leave these arms out."
            )
        return fresh

    def steps(self, duration: str) -> int:
        parsed = Duration.parse(duration)
        return parsed.count if parsed.unit == "it" else self._epochs.start(parsed.count)

    def fit(self, training: Training, start: Start, progress: Progress) -> TrainingResult:
        total = self.steps(self._config.train.length)
        if start.step >= total:
            raise LotteryError(
                f"Expected a rewind point before the end of the training at step {total}. "
                f"Received: step {start.step}. Rewind to an earlier step or train for longer."
            )
        model = self._model
        restore_start(model, start, self._fresh_optimizer)
        point = [RewindPoint(self._config.rewind.to)] if training.arm == "dense" else []
        rows = _Rows()
        compiled = self._compile_seconds
        began = time.perf_counter()
        fit(
            model,
            self._x,
            self._y,
            epochs=Duration.parse(self._config.train.length).count,
            initial_step=start.step,
            callbacks=[*point, *self._callbacks, rows, ProgressCallback(progress)],
            seed=training.seed,
            program=self._program,
            **self._settings,
        )
        seconds = time.perf_counter() - began
        check_masks_are_kept(model, start.masks)
        weights = masking.get_weights(model)
        if any(weights[path].tobytes() != w.tobytes() for path, w in rows.weights.items()):
            rows.restored = self._evaluated()
        rewind = point[0].state if point else None
        compiled = self._compile_seconds - compiled
        result = self._result(start, weights, rewind, rows, (seconds - compiled, compiled))
        if self._program is not None and is_constant(model, self._x):
            result.metrics[CONSTANT_OUTPUT] = 1.0
            warnings.warn(
                f"Round {training.round}, {training.arm}: the output no longer depends on the "
                "input, it is the same for every training example.",
                stacklevel=2,
            )
        return result

    def _evaluated(self) -> dict[str, float]:
        """Returns the logs of the model's weights on the data that tickets are compared on."""
        settings = DEFAULTS | self._settings | {"y": self._y}
        data, validation = (self._x, self._y), settings["validation_data"]
        if is_arrays(self._x):
            data, validation = weighted_and_split(self._x, settings)
        prefix, steps = "", settings["steps_per_epoch"]
        if validation is not None:
            data, prefix, steps = validation, "val_", settings["validation_steps"]
        x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
        batch = settings["batch_size"]
        logs = self._model.evaluate(
            x, y, batch, verbose=0, sample_weight=weight, steps=steps, return_dict=True
        )
        return {f"{prefix}{name}": value for name, value in single_values(logs).items()}

    @property
    def _compile_seconds(self) -> float:
        """Seconds of compilation so far; 0 with Keras' own `fit`, which doesn't report them."""
        return self._timed.compile_seconds if self._timed else 0.0

    def _result(
        self,
        start: Start,
        weights: Weights,
        rewind: State | None,
        measured: "_Rows",
        seconds: tuple[float, float],
    ) -> TrainingResult:
        rows = measured.rows
        names = list(dict.fromkeys(name for row in rows.values() for name in row))
        if not self.metric:
            self.metric = choose_metric(self._model, names)
            self.higher_is_better = higher_is_better(self._model, self.metric)
        if self.metric not in names:
            raise LotteryError(
                f"Expected the {self.metric} of every network, as of the first one. Received: a "
                f"training that ended before it was measured, with {', '.join(names)}. Set "
                "validation_freq=1, or let callbacks end trainings later."
            )
        # Only validated epochs: `validation_freq` may skip some.
        values = {epoch: row[self.metric] for epoch, row in rows.items() if self.metric in row}
        loss = next((n for n in ("val_loss", "loss") if n in names), self.metric)
        best = min(values, key=lambda epoch: _nan_last(rows[epoch].get(loss, float("nan"))))
        return TrainingResult(
            weights,
            rewind,
            steps=self._epochs.start(max(rows) + 1) - start.step,
            seconds=seconds[0],
            compile_seconds=seconds[1],
            final={self.metric: measured.restored.get(self.metric, values[max(values)])},
            best={self.metric: values[best]},
            best_step=self._epochs.start(best + 1),
            metric=self.metric,
            metrics=_last(rows),
            history=[{"step": self._epochs.start(e + 1)} | row for e, row in rows.items()],
        )

    def examples(self, seed: int) -> tuple[Any, ...]:
        """Returns the training examples over which derivatives are averaged; see `examples_of`."""
        if seed not in self._examples:
            data = self._x, self._y, self._settings
            self._examples[seed] = examples_of(*data, DERIVE_EXAMPLES, seed)
        return self._examples[seed]

    def derived(self, name: str, weights: Weights, masks: MaskSet, seed: int) -> Weights:
        model, batch_size = self._model, self._config.train.batch_size
        x, y, *rest = self.examples(seed)
        masking.set_weights(model, weights)
        masking.set_masks(model, masks)
        weight = rest[0] if rest else None
        derivative = derive(
            name, model, x, y, batch_size=batch_size, seed=seed, sample_weight=weight
        )
        # Frozen weights have no derivative, but may read pruned channels.
        zeros = {v.path: np.zeros(v.shape, np.float32) for v in self.variables() if v.prunable}
        return {path: derivative.get(path, zero) for path, zero in zeros.items()}


class _Rows(keras.callbacks.Callback):
    """Stores the logs by epoch, since Keras' history loses the epoch.

    Attributes:
        rows: logs by epoch.
        weights: those at the end of the last epoch.
        restored: logs of other weights that a callback or the optimizer has set after it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[int, dict[str, float]] = {}
        self.weights: Weights = {}
        self.restored: dict[str, float] = {}

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.rows[epoch] = single_values(logs or {})  # others don't rank tickets
        if self.model.stop_training or epoch + 1 == (self.params or {}).get("epochs"):
            self.weights = masking.get_weights(self.model)


def _nan_last(value: float) -> tuple[bool, float]:
    return math.isnan(value), value


def _last(rows: dict[int, dict[str, float]]) -> dict[str, float]:
    """Returns the last value of each log."""
    last: dict[str, float] = {}
    for row in rows.values():
        last |= row
    return last


class ProgressCallback(StepCallback):
    """Reports steps if the number of steps per epoch is known, and epochs otherwise."""

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self._progress = progress
        self._loss = math.nan

    def on_first_epoch(self, epoch: int) -> None:
        left = self.steps_left()
        self._steps = None if left is None else self._step + left

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._loss = float((logs or {}).get("loss", math.nan))
        super().on_train_batch_end(batch, logs)

    def on_steps_end(self, last: int, step: int) -> None:
        if self._steps:
            self._progress.update(step, self._steps, self._loss)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        epochs = (self.params or {}).get("epochs")
        if not self._steps and epochs:
            self._progress.update(epoch + 1, int(epochs), self._loss)
