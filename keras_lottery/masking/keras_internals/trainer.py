"""Private API of trainers and optimizers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import keras
import numpy as np
from keras.src.backend.common import global_state
from keras.src.trainers.compile_utils import CompileMetrics
from packaging.version import Version

from keras_lottery.errors import LotteryError
from keras_lottery.masking.keras_internals.layers import (
    flatten_layers,
    hidden_name,
    recurrent_states,
)

# Earlier versions need sample weights under a distribution.
_PLACES_NONE = Version(keras.__version__) >= Version("3.15")
_WRAPPED = hidden_name("wrapped")


def sync_trainer(model: keras.Model) -> None:
    """Writes the state of JAX's `fit` to the variables, from which the next step reads it again.

    Call it in a callback before reading or writing a variable. Outside `fit`, and on the other
    backends, it does nothing.
    """
    if keras.config.backend() == "jax" and isinstance(model, keras.Model):
        model.jax_state_sync()


class StepHooks:
    """Mixin of models that calls methods where JAX's training reads and writes variables."""

    def before_steps(self) -> None:
        """Runs before the variables are read for one step or several."""

    def after_steps(self) -> None:
        """Runs after the state that steps returned is written to the variables."""

    def _get_jax_state(self, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("optimizer_variables"):  # evaluation and prediction read none
            self.before_steps()
        return super()._get_jax_state(*args, **kwargs)  # type: ignore[misc]

    def jax_state_sync(self) -> None:
        state = getattr(self, "_jax_state", None) or {}
        has_steps = "optimizer_variables" in state and not getattr(self, "_jax_state_synced", True)
        super().jax_state_sync()  # type: ignore[misc]
        if has_steps:
            self.after_steps()


def before_each_call(model: Any, before: Callable[[], None]) -> None:
    """Runs a function before each call of TensorFlow's compiled training function."""
    function = model.train_function
    if keras.config.backend() != "tensorflow" or getattr(function, _WRAPPED, False):
        return

    @wraps(function)
    def train_function(*args: Any, **kwargs: Any) -> Any:
        before()
        return function(*args, **kwargs)

    setattr(train_function, _WRAPPED, True)
    model.train_function = train_function


def resumed_epoch(model: keras.Model) -> int | None:
    """Returns the epoch at which BackupAndRestore resumes training, and clears it."""
    epoch, model._initial_epoch = model._initial_epoch, None
    return epoch


def compiled_metrics(model: keras.Model) -> list[keras.metrics.Metric]:
    """Returns the metrics passed to `compile`; empty until the model has seen a batch."""
    groups = [metric for metric in model.metrics if isinstance(metric, CompileMetrics)]
    return [metric for group in groups for metric in group.metrics]


def run_first_batch(model: keras.Model, *batch: Any) -> None:
    """Evaluates one batch, on which Keras creates weights and metrics, and forgets it again.

    Args:
        model: compiled.
        batch: `x`, `y` and `sample_weight`, if any.
    """
    if not _PLACES_NONE and keras.distribution.distribution() is not None and len(batch) == 2:
        batch = (*batch, np.ones(len(keras.tree.flatten(batch)[0]), "float32"))
    before = {id(state): keras.ops.convert_to_numpy(state) for state in _states(model)}
    model.test_on_batch(*batch)
    model.reset_metrics()
    for state in _states(model):
        state.assign(before.get(id(state), np.zeros(state.shape)))


def _states(model: keras.Model) -> list[keras.Variable]:
    return [state for layer in flatten_layers(model) for state in recurrent_states(layer)]


@contextmanager
def replaced(owner: Any, method: str, function: Callable[..., Any]) -> Iterator[None]:
    """Replaces a method of one model or optimizer, unseen by Keras' tracking of attributes."""
    object.__setattr__(owner, method, function)
    try:
        yield
    finally:
        object.__delattr__(owner, method)


@contextmanager
def without_results(model: keras.Model) -> Iterator[None]:
    """Skips the metrics' results, which Keras' own step computes after each batch on torch."""
    names = ("train_step", "test_step", "compute_metrics", "get_metrics_result")
    base = getattr(model, "keras_lottery_base", type(model))
    if any(getattr(base, name) is not getattr(keras.Model, name) for name in names):
        yield
        return
    with replaced(model, "get_metrics_result", dict):
        yield


@contextmanager
def without_shardings(model: keras.Model) -> Iterator[None]:
    """Lets a step on JAX return values that it doesn't place, as in Keras 3.12 and later.

    Earlier steps place them as the variables were at the start of `fit`, also under `shard_map`.
    """
    if not hasattr(model, "_enforce_jax_state_sharding"):
        yield
        return
    with replaced(model, "_enforce_jax_state_sharding", _as_they_are):
        yield


def _as_they_are(
    trainable_variables: Any = None,
    non_trainable_variables: Any = None,
    optimizer_variables: Any = None,
    metrics_variables: Any = None,
) -> tuple[Any, ...]:
    return trainable_variables, non_trainable_variables, optimizer_variables, metrics_variables


def metric_direction(metric: keras.metrics.Metric) -> str | None:
    """Returns `up` if larger values of a metric are better, `down` if smaller; None if unknown."""
    return getattr(metric, "_direction", None)


def remake_functions(model: keras.Model) -> None:
    """Makes a compiled model retrace its steps, even during `fit`."""
    if not getattr(model, "compiled", False):
        return
    model.test_function = None
    model.predict_function = None
    if model.train_function is not None:
        # Before Keras 3.12, JAX's `fit` lists the shardings of the variables once, at its start.
        if getattr(model, "_trainable_variable_shardings", None) is not None:
            model._record_training_state_sharding_spec()
        model.make_train_function(force=True)


def optimizer_class(name: str) -> type[keras.optimizers.Optimizer]:
    """Returns one of Keras' optimizers by its lower-case name.

    `keras.optimizers.get` doesn't know Muon before Keras 3.14.

    Raises:
        LotteryError: this version of Keras doesn't have it.
    """
    classes = {key.lower(): value for key, value in vars(keras.optimizers).items()}
    if name not in classes:
        raise LotteryError(
            f"Expected an optimizer that Keras {keras.__version__} has. Received: {name!r}. "
            "Upgrade Keras, or choose another optimizer."
        )
    found: type[keras.optimizers.Optimizer] = classes[name]
    return found


def innermost(optimizer: Any) -> Any:
    """Returns the optimizer inside loss-scaling ones."""
    while hasattr(optimizer, "inner_optimizer"):
        optimizer = optimizer.inner_optimizer
    return optimizer


def inner_optimizers(optimizer: Any) -> list[Any]:
    """Returns the optimizers that hold slots: those inside loss-scaling and multiple optimizers."""
    optimizer = innermost(optimizer)
    return [optimizer, *getattr(optimizer, "optimizers", ())]


def restart_from_weights(optimizer: Any) -> None:
    """Sets the slots that Keras initializes with the weights to the weights as they are now.

    That is `ScheduleFreeAdamW`'s sequence z, which its first step would move the weights to.
    """
    schedule_free = getattr(keras.optimizers, "ScheduleFreeAdamW", ())
    for inner in inner_optimizers(optimizer):
        if isinstance(inner, schedule_free) and inner.built:
            for slot, variable in zip(inner._momentums, inner._trainable_variables):
                slot.assign(keras.ops.copy(variable.value))


def iterations(model: keras.Model) -> int | None:
    """Returns how many batches the optimizer has seen; None without an optimizer.

    During JAX's `fit` the count is read from the training state, without syncing it.
    """
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None:
        return None
    counter = innermost(optimizer)._iterations
    state = getattr(model, "_jax_state", None)
    if state and not model._jax_state_synced:
        values = zip(optimizer.variables, state["optimizer_variables"])
        return next(int(value) for variable, value in values if variable is counter)
    return batches_seen(optimizer)


def batches_seen(optimizer: keras.optimizers.Optimizer) -> int:
    """Returns how many batches an optimizer has seen, which is what its schedule reads.

    With gradient accumulation, the public `iterations` counts updates.
    """
    # `int` fails on a mirrored variable.
    return int(keras.ops.convert_to_numpy(innermost(optimizer)._iterations.value))


def batches_per_update(model: keras.Model) -> int:
    """Returns the optimizer's gradient accumulation steps; 1 without an optimizer."""
    optimizer = innermost(getattr(model, "optimizer", None))
    return int(getattr(optimizer, "gradient_accumulation_steps", None) or 1)


def forget_variables(optimizer: Any, variables: list[keras.Variable]) -> None:
    """Removes variables that `optimizer.add_variable` created."""
    removed = {id(variable) for variable in variables}
    remaining = [v for v in optimizer._variables if id(v) not in removed]
    # A new list: TensorFlow cannot checkpoint a tracked list after an entry was deleted.
    object.__setattr__(optimizer, "_variables", remaining)
    accepts, _ = optimizer._tracker.config["variables"]
    optimizer._tracker.config["variables"] = (accepts, remaining)


def applying_optimizer() -> Any:
    """Returns the optimizer whose `apply` is running, or None."""
    stack = global_state.get_global_attribute("name_scope_stack") or ()
    callers = (scope.caller for scope in reversed(stack))
    return next((c for c in callers if isinstance(c, keras.optimizers.Optimizer)), None)


def optimized_variables(optimizer: Any) -> list[keras.Variable]:
    """Returns the variables that an optimizer was built for, in the order of its slots."""
    return list(optimizer._trainable_variables)


def keras_variable(optimizer: Any, variable: Any) -> keras.Variable:
    """Returns Keras' variable that an optimizer updates: on TensorFlow it passes the one inside."""
    found: keras.Variable = optimizer._trainable_variables[optimizer._get_variable_index(variable)]
    return found


def learning_rate(optimizer: keras.optimizers.Optimizer) -> Any:
    """Returns an optimizer's learning rate: a variable, or a schedule."""
    return optimizer._learning_rate


def class_axis(loss: Any) -> int:
    """Returns the axis of the classes in the outputs that a cross-entropy takes."""
    return int(getattr(loss, "_fn_kwargs", {}).get("axis", -1))


def clip_sums(optimizer: keras.optimizers.Optimizer, replicas: int) -> None:
    """Makes an optimizer on TensorFlow clip the gradients of the whole batch.

    Keras clips the gradients of each replica before summing them, and computes the norm of an
    embedding's gradient with one row per use of a token, before summing the uses. Neither is the
    norm of the batch. Here the sum is clipped, then divided by the replicas, which Keras sums.

    Args:
        optimizer: the optimizer; unchanged if it doesn't clip.
        replicas: number of replicas; 1 without `tf.distribute`.
    """
    if not (optimizer.clipnorm or optimizer.global_clipnorm or optimizer.clipvalue):
        return
    clip = optimizer._clip_gradients

    def clip_sum(gradients: Any) -> list[Any]:
        import tensorflow as tf

        dense = [tf.convert_to_tensor(g) for g in gradients if g is not None]
        if replicas > 1:
            dense = tf.distribute.get_replica_context().all_reduce("SUM", dense)
        summed = iter(dense)
        clipped = clip([None if g is None else next(summed) for g in gradients])
        return [None if g is None else g / replicas for g in clipped]

    optimizer._clip_gradients = clip_sum
