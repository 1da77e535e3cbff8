"""Building the optimizer and learning-rate schedule of a config."""

import dataclasses
from typing import Any

import keras

from keras_lottery.config import OptimizerConfig
from keras_lottery.config.duration import Duration
from keras_lottery.errors import LotteryError
from keras_lottery.masking.keras_internals import (
    batches_seen,
    innermost,
    learning_rate,
    optimizer_class,
)


# Keras' own schedules take the first step at a rate of 0 in a warm-up, and change the rate one step
# after a boundary; it has no inverse_sqrt.
@keras.saving.register_keras_serializable("keras_lottery")
class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up to the peak, then constant, piecewise, cosine, linear or inverse_sqrt.

    Args:
        kind: name of the schedule.
        peak: learning rate after the warm-up.
        warmup: steps of linear warm-up from 0.
        total: step at which `cosine` and `linear` reach 0.
        boundaries: `piecewise`: steps at which the rate is multiplied by `factor`.
        factor: see `boundaries`.
    """

    def __init__(
        self,
        kind: str,
        peak: float,
        warmup: int = 0,
        total: int = 1,
        boundaries: tuple[int, ...] = (),
        factor: float = 0.1,
    ) -> None:
        super().__init__()
        self.settings: dict[str, Any] = {
            "kind": kind,
            "peak": peak,
            "warmup": warmup,
            "total": total,
            "boundaries": tuple(boundaries),
            "factor": factor,
        }

    def __call__(self, step: Any) -> Any:
        ops, s = keras.ops, self.settings
        step = ops.cast(step, "float32")
        warmup, total = float(s["warmup"]), float(s["total"])
        rate = s["peak"] * _decay(s, step, warmup, total)
        if warmup:
            rate = ops.where(step < warmup, s["peak"] * (step + 1) / warmup, rate)
        return rate

    def get_config(self) -> dict[str, Any]:
        return dict(self.settings)


def _decay(s: dict[str, Any], step: Any, warmup: float, total: float) -> Any:
    ops = keras.ops
    if s["kind"] == "piecewise":
        rate = ops.ones_like(step)
        for boundary in s["boundaries"]:
            rate = ops.where(step >= boundary, rate * s["factor"], rate)
        return rate
    if s["kind"] == "inverse_sqrt":
        start = max(warmup, 1.0)
        return ops.sqrt(start / ops.maximum(step + 1, start))
    progress = ops.clip((step - warmup) / max(total - warmup, 1.0), 0.0, 1.0)
    if s["kind"] == "cosine":
        return 0.5 * (1 + ops.cos(3.141592653589793 * progress))
    if s["kind"] == "linear":
        return 1 - progress
    return ops.ones_like(step)


@keras.saving.register_keras_serializable("keras_lottery")
class Restartable(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule that reads the optimizer's steps plus an offset.

    The offset is a variable of the optimizer, so a rewound training can resume or restart its
    schedule without changing `iterations`, which bias-corrected moments need. After the end of the
    training the rate stays that of its last step.

    Args:
        schedule: the schedule.
        total: steps of the training.
    """

    def __init__(
        self, schedule: keras.optimizers.schedules.LearningRateSchedule, total: int
    ) -> None:
        super().__init__()
        self.schedule = schedule
        self.total = total
        self.offset: Any = 0

    def __call__(self, step: Any) -> Any:
        return self.schedule(keras.ops.minimum(step + self.offset, self.total - 1))

    def get_config(self) -> dict[str, Any]:
        schedule = keras.saving.serialize_keras_object(self.schedule)
        return {"schedule": schedule, "total": self.total}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Restartable":
        return cls(keras.saving.deserialize_keras_object(config["schedule"]), config["total"])


class _L2:
    """Adds `l2 · w` to the gradient of every trained variable, after clipping.

    Keras' own `weight_decay` is decoupled: momentum doesn't see it. PyTorch's SGD and Adam, which
    the papers use, add the decay to the gradient of all parameters, biases and normalization
    included.
    """

    keeps_zeros = True  # the decay of a pruned weight is 0
    l2_in_gradient = True  # for the fused kernel of Adam on torch

    def __init__(self, *args: Any, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.l2 = l2

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Updates `variable` by the gradient of the loss plus `l2/2 · |w|²`."""
        gradient = keras.ops.convert_to_tensor(gradient)
        decay = keras.ops.cast(self.l2, gradient.dtype) * keras.ops.cast(variable, gradient.dtype)
        super().update_step(gradient + decay, variable, learning_rate)  # type: ignore[misc]

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"l2": self.l2}  # type: ignore[misc]


@keras.saving.register_keras_serializable("keras_lottery")
class L2SGD(_L2, keras.optimizers.SGD):
    """SGD with L2 in the gradient, as in PyTorch: `v ← momentum · v - η · (g + l2 · w)`."""


@keras.saving.register_keras_serializable("keras_lottery")
class L2Adam(_L2, keras.optimizers.Adam):
    """Adam with moments of `g + l2 · w`, like PyTorch's `Adam(weight_decay=l2)`."""


_WITH_L2 = {"sgd": L2SGD, "adam": L2Adam}


def _optimizer_class(config: OptimizerConfig) -> type:
    if not config.l2:
        return optimizer_class(config.name)
    if config.name not in _WITH_L2:
        raise LotteryError(
            f"Expected optimizer.l2 with one of {', '.join(_WITH_L2)}. Received: {config.name!r}. "
            "Use weight_decay, which is decoupled, or another optimizer."
        )
    return _WITH_L2[config.name]


def build_optimizer(
    config: OptimizerConfig, steps_per_epoch: int, total_steps: int
) -> keras.optimizers.Optimizer:
    """Returns the Keras optimizer of a config; its schedule, if it has one, is `Restartable`.

    Raises:
        LotteryError: Keras doesn't know the optimizer, or it doesn't take an argument.
    """
    rate: Any = config.learning_rate
    warmup = Duration.parse(config.warmup).steps(steps_per_epoch)
    if config.schedule != "constant" or warmup:
        boundaries = tuple(Duration.parse(b).steps(steps_per_epoch) for b in config.boundaries)
        rate = Schedule(
            config.schedule, config.learning_rate, warmup, total_steps, boundaries, config.factor
        )
    handled = ("name", "learning_rate", "schedule", "boundaries", "factor", "warmup")
    extra = {
        f.name: getattr(config, f.name)
        for f in dataclasses.fields(config)
        if f.name not in handled and getattr(config, f.name) is not None
    }
    if not config.l2:
        extra.pop("l2", None)
    try:
        optimizer = _optimizer_class(config)(learning_rate=rate, **extra)
    except (ValueError, TypeError) as error:
        raise LotteryError(
            f"Expected a Keras optimizer that takes {', '.join(extra) or 'no further fields'}. "
            f"Received: {config.name!r} ({str(error).splitlines()[0]}). See keras.optimizers."
        ) from error
    make_restartable(optimizer, total_steps)
    return optimizer


def make_restartable(optimizer: keras.optimizers.Optimizer, total: int) -> None:
    """Makes a schedule `Restartable`; a constant learning rate stays as it is.

    Args:
        optimizer: a newly built one.
        total: steps of its training.
    """
    optimizer = innermost(optimizer)
    schedule = learning_rate(optimizer)
    if isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        restartable = Restartable(schedule, total)
        restartable.offset = optimizer.add_variable(shape=(), dtype="int", name="schedule_offset")
        optimizer.learning_rate = restartable


def restore_schedule(optimizer: keras.optimizers.Optimizer) -> None:
    """Undoes `make_restartable` on a copy of the optimizer, which lacks the offset's variable."""
    optimizer = innermost(optimizer)
    schedule = learning_rate(optimizer)
    if isinstance(schedule, Restartable):
        optimizer.learning_rate = schedule.schedule


def restart_schedule(optimizer: keras.optimizers.Optimizer, step: int) -> None:
    """Makes the learning-rate schedule continue from `step`."""
    schedule = learning_rate(innermost(optimizer))
    if isinstance(schedule, Restartable):
        schedule.offset.assign(step - batches_seen(optimizer))
