"""Training on other data than arrays with Keras' `fit`: from any step, in a seeded order."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import keras

from keras_lottery.errors import LotteryError
from keras_lottery.training.checks import check_batches
from keras_lottery.training.data import DataOrder
from keras_lottery.training.epochs import Epochs, epochs_of, is_one_shot
from keras_lottery.training.step_callback import FIRST

Settings = Mapping[str, Any]
"""Arguments of `keras.Model.fit` other than `x`, by name."""


@dataclass(frozen=True)
class _Part:
    """One call of `model.fit`: its data, epochs and steps."""

    x: Any
    first: int
    epochs: int
    steps_per_epoch: int | None


def keras_fit(
    model: keras.Model, x: Any, settings: Settings, initial_step: int | None, seed: int | None
) -> keras.callbacks.History:
    """Calls `model.fit`, which can start in the middle of an epoch.

    Args:
        model: compiled.
        x: PyDataset, tf.data, or any other data that Keras takes, except arrays.
        settings: the other arguments of `model.fit`.
        initial_step: optimizer step to start at; None: `initial_epoch`.
        seed: seed of the order of a PyDataset's batches; other data have their own order.

    Raises:
        LotteryError: training starts within an epoch but the data have no length, or labels are
            passed separately.
    """
    check_batches(x, settings)
    steps = settings["steps_per_epoch"]
    epochs = epochs_of(x, None, steps)
    whole = epochs is not None and not (epochs.batches or 0) % epochs.length
    if epochs is not None and whole and isinstance(x, keras.utils.PyDataset):
        order = _indexed(x, epochs, seed or 0, settings["shuffle"])
        return fit_batches(model, order, settings, initial_step)
    if seed is not None:
        warnings.warn(
            f"A {type(x).__name__} has its own order, so seed={seed} has no effect on it. Give the "
            "data a fixed order, or pass arrays or a PyDataset.",
            stacklevel=3,
        )
    if not initial_step:
        return model.fit(x, **settings)
    if epochs is None:
        raise LotteryError(
            "Expected data with a known number of batches, since training starts at step "
            f"{initial_step}. Received: a {type(x).__name__} without a length. "
            "Pass steps_per_epoch."
        )
    parts = _parts(x, epochs, initial_step, settings["epochs"], steps)
    return _fit_parts(model, parts, settings, initial_step)


def fit_batches(
    model: keras.Model, batches: "Batches", settings: Settings, initial_step: int | None
) -> keras.callbacks.History:
    """Calls `model.fit` with batches indexed by optimizer step."""
    epochs, last = batches.epochs, settings["epochs"]
    first = settings["initial_epoch"] if initial_step is None else epochs.of(initial_step)
    skipped = 0 if initial_step is None else initial_step - epochs.start(first)
    parts = [_Part(batches, first, last, None)]
    if skipped:
        rest = Batches(batches.at, epochs, batches.source, skipped)
        parts = [_Part(rest, first, first + 1, None), replace(parts[0], first=first + 1)]
    arguments = {"shuffle": False, "class_weight": settings["class_weight"]}
    settings = {**settings, "y": None, "sample_weight": None, **arguments}
    return _fit_parts(model, parts, settings, initial_step)


class Batches(keras.utils.PyDataset):
    """The batches of an epoch, indexed by optimizer step.

    Args:
        at: returns the batch of a step.
        epochs: the steps of each epoch.
        source: data set whose worker settings are used and whose epoch hooks are called.
        skipped: steps to skip at the start of the epoch.
    """

    def __init__(
        self,
        at: Callable[[int], Any],
        epochs: Epochs,
        source: keras.utils.PyDataset | None = None,
        skipped: int = 0,
    ) -> None:
        names = ("workers", "use_multiprocessing", "max_queue_size")
        super().__init__(**{name: getattr(source, name) for name in names} if source else {})
        self.at, self.epochs, self.source, self.skipped = at, epochs, source, skipped
        self.epoch = 0

    @property
    def num_batches(self) -> int:
        return self.epochs.length - self.skipped

    def __getitem__(self, index: int) -> Any:
        return self.at(self.epochs.start(self.epoch) + self.skipped + index)

    def on_epoch_begin(self) -> None:
        if self.source is not None:
            self.source.on_epoch_begin()

    def on_epoch_end(self) -> None:
        if self.source is not None:
            self.source.on_epoch_end()


@dataclass(frozen=True)
class _Indexed:
    """The batches of a PyDataset in a seeded order; an infinite one keeps its own order."""

    source: keras.utils.PyDataset
    order: DataOrder | None

    def __call__(self, step: int) -> Any:
        if self.order is None:
            return self.source[step]
        return self.source[int(self.order.rows(step, step + 1)[0, 0])]


def _indexed(x: keras.utils.PyDataset, epochs: Epochs, seed: int, shuffle: bool) -> Batches:
    order = DataOrder(epochs.batches, 1, seed, shuffle) if epochs.batches else None
    return Batches(_Indexed(x, order), epochs, x)


def _parts(x: Any, epochs: Epochs, step: int, last: int, steps: int | None) -> list[_Part]:
    """Returns the calls that train from `step`: the rest of its epoch, then the other epochs."""
    first = epochs.of(step)
    if step == epochs.start(first):
        return [_Part(_from(x, epochs, step), first, last, steps)]
    remaining = epochs.start(first + 1) - step
    rest = _Part(_from(x, epochs, step), first, first + 1, remaining)
    return [rest, _Part(_from(x, epochs, epochs.start(first + 1)), first + 1, last, steps)]


def _from(x: Any, epochs: Epochs, step: int) -> Any:
    """Returns tf.data from the batch of a step on; other data start from the beginning."""
    skipped = step % epochs.batches if epochs.batches else step
    if not skipped or is_one_shot(x) or not hasattr(x, "skip"):
        return x
    return x.skip(skipped).concatenate(x.repeat()) if epochs.batches else x.skip(skipped)


def _fit_parts(
    model: keras.Model, parts: list[_Part], settings: Settings, initial_step: int | None
) -> keras.callbacks.History:
    """Trains the parts in order; callbacks see a single training."""
    if len(parts) > 1 and getattr(model.optimizer, "use_ema", False):
        raise LotteryError(
            "Expected an initial_step at the start of an epoch, since Keras replaces the weights "
            "by their averages (use_ema) at the end of each fit. Received: one within an epoch. "
            "Start at a whole epoch, or pass arrays."
        )
    epochs = settings["epochs"]
    first = {} if initial_step is None else {FIRST: (parts[0].first, initial_step)}
    hooks = _Hooks(
        settings["callbacks"],
        add_history=True,
        add_progbar=settings["verbose"] != 0,
        verbose=settings["verbose"],
        epochs=epochs,
        steps=parts[-1].steps_per_epoch or getattr(parts[-1].x, "num_batches", None),
        model=model,
        **first,
    )
    parts = [part for part in parts if part.first < part.epochs] or parts[-1:]
    for part in parts:
        hooks.begin(part.x, is_last=part is parts[-1])
        model.fit(
            part.x,
            **{
                **settings,
                "callbacks": hooks,
                "epochs": part.epochs,
                "initial_epoch": part.first,
                "steps_per_epoch": part.steps_per_epoch,
            },
        )
        if model.stop_training:
            break
    hooks.end()
    return model.history


class _Hooks(keras.callbacks.CallbackList):
    """Callbacks that see a single training although `model.fit` is called for each part."""

    _started = False
    _ended = False
    _is_last = True
    _x: Any = None

    def begin(self, x: Any, is_last: bool) -> None:
        """Runs before each part."""
        self._x, self._is_last = x, is_last

    def end(self) -> None:
        """Runs at the end, even if training stopped in an earlier part."""
        if not self._ended:
            self._is_last = True
            self.on_train_end(self._logs)

    def on_train_begin(self, logs: Any = None) -> None:
        if not self._started:
            self._started, self._logs = True, None
            super().on_train_begin(logs)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if isinstance(self._x, Batches):
            self._x.epoch = epoch
        super().on_epoch_begin(epoch, logs)

    def on_train_end(self, logs: Any = None) -> None:
        self._logs = logs
        if self._is_last:
            self._ended = True
            super().on_train_end(logs)
