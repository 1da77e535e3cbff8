"""The engine's run and task over a model and data in memory."""

import time
from typing import Any, cast

import keras

from keras_lottery import masking
from keras_lottery.config import Config
from keras_lottery.duration import Duration
from keras_lottery.engine.view import Pruner
from keras_lottery.errors import LotteryError
from keras_lottery.tasks.fresh import seeded
from keras_lottery.training import (
    DataOrder,
    RewindPoint,
    arguments,
    fit,
    is_arrays,
    length,
    prepare,
)
from keras_lottery.training.place import place
from keras_lottery.training.snapshot import capture_optimizer
from keras_lottery.types import MaskSet, Outcome, Progress, Start, State, Task, Training, Weights

_LOWER = ("loss", "error", "perplexity", "divergence", "mae", "mse")


class Memory(Pruner):
    """The `RunView` of a search: outcomes in memory."""

    def __init__(self, config: Config, task: "FitTask") -> None:
        self.config = config
        # What a run's files ask for beside, flops and exports, no arm needs.
        self.task = cast(Task, task)
        self.outcomes: dict[Training, Outcome] = {}

    def ticket(self, training: Training) -> Start:
        return self.outcomes[training].start

    def source_ticket(self, training: Training) -> Start:
        """Is never asked for: a search has no sources."""
        raise KeyError(training.source)

    def trained(self, training: Training) -> Weights:
        return self.outcomes[training].weights

    def rewind_state(self, seed: int) -> State:
        dense = next(o for t, o in self.outcomes.items() if t.arm == "dense")
        if dense.rewind is None:
            raise LotteryError(
                f"Expected a rewind point within the training. "
                f"Received: {self.config.rewind.to}. Choose an earlier one."
            )
        return dense.rewind


class FitTask:
    """A `Task` over the arguments of `fit`: the network is trained on a clone of the model."""

    name = "search"

    def __init__(
        self, model: keras.Model, x: Any, y: Any, config: Config, settings: dict[str, Any]
    ) -> None:
        if not arguments.compiled_model(model).built:
            raise LotteryError(
                "Expected a model that is built. Received: one that is not. "
                "Call model.build(input_shape) first."
            )
        self._original = model
        self._start = masking.get_weights(model)
        prune = config.prune
        self._model = masking.mask(
            model, include=prune.include, exclude=prune.exclude, in_place=False
        )
        self._model.optimizer.build(self._model.trainable_variables)
        self._fresh_optimizer = capture_optimizer(self._model.optimizer)
        given = [part for part in (x, y, settings.get("sample_weight")) if part is not None]
        self._program = prepare(self._model, *given) if is_arrays(x) else None
        self._config, self._x, self._y = config, x, y
        self._settings = {"verbose": 0} | settings
        self._callbacks = list(self._settings.pop("callbacks", None) or ())
        self.metric, self.higher_is_better = "loss", False

    def variables(self) -> Any:
        return masking.describe(self._model, self._config.prune)

    def start_weights(self, seed: int) -> Weights:
        return self._start

    def fresh_weights(self, seed: int) -> Weights:
        with seeded(seed):
            return masking.fresh_weights(self._original)

    def steps(self, duration: str) -> int:
        """Returns steps; epochs where the data do not say how many steps an epoch has."""
        if not is_arrays(self._x):
            return Duration.parse(duration).count
        order = DataOrder(
            int(length(self._x) * (1 - self._settings.get("validation_split", 0.0))),
            self._config.train.batch_size,
            drop_remainder=False,
        )
        return Duration.parse(duration).steps(order.steps_per_epoch)

    def fit(self, training: Training, start: Start, progress: Progress) -> Outcome:
        model = self._model
        place(model, start, self._fresh_optimizer)
        point = [RewindPoint(self._config.rewind.to)] if training.arm == "dense" else []
        began = time.perf_counter()
        history = fit(
            model,
            self._x,
            self._y,
            epochs=Duration.parse(self._config.train.length).count,
            initial_step=start.step if self._program else None,
            initial_epoch=0 if self._program else start.step,
            callbacks=[*point, *self._callbacks],
            seed=training.seed,
            program=self._program,
            **self._settings,
        )
        seconds = time.perf_counter() - began
        weights = masking.get_weights(model)
        rewind = point[0].state if point else None
        if rewind is not None and self._program is None:
            rewind["step"] = rewind["epoch"]  # see `steps`
        return self._outcome(training, start, weights, rewind, history, seconds)

    def _outcome(
        self,
        training: Training,
        start: Start,
        weights: Weights,
        rewind: State | None,
        history: keras.callbacks.History,
        seconds: float,
    ) -> Outcome:
        logs = history.history
        self._choose_metric(list(logs))
        values = [float(v) for v in logs[self.metric]]
        losses = logs.get("val_loss", logs["loss"])
        best = min(range(len(losses)), key=losses.__getitem__)
        per_epoch = self.steps("1ep")
        return Outcome(
            training,
            start,
            weights,
            rewind,
            steps=self.steps(self._config.train.length) - start.step,
            seconds=seconds,
            compile_seconds=0.0,
            final_value=values[-1],
            best_value=values[best],
            best_step=(history.epoch[best] + 1) * per_epoch,
            metrics={name: float(series[-1]) for name, series in logs.items()},
            history=[{n: float(s[i]) for n, s in logs.items()} for i in range(len(values))],
        )

    def _choose_metric(self, names: list[str]) -> None:
        """Takes the first metric that is no loss, on the validation data where there are some."""
        held_out = [n for n in names if n.startswith("val_")] or names
        others = [n for n in held_out if n.removeprefix("val_") != "loss"]
        self.metric = (others or held_out)[0]
        self.higher_is_better = not any(word in self.metric for word in _LOWER)

    def derived(self, name: str, weights: Weights, masks: MaskSet, seed: int) -> Weights:
        """Refuses: the data of a search need not be arrays."""
        raise LotteryError(
            f"Expected arms and a criterion that need no derivatives of the loss. Received: one "
            f"that needs the {name}. Use kl.prune(model, data=(x, y)), or leave it out."
        )
