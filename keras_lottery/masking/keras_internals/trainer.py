"""Private parts of trainers and optimizers."""

from typing import Any

import keras
from keras.src.trainers.compile_utils import CompileMetrics


def sync_trainer(model: keras.Model) -> None:
    """Writes the state that JAX's `fit` holds back to the variables, and lets it read them again.

    Call it in a callback before anything reads or writes a variable. Elsewhere, and on the other
    backends, it does nothing.
    """
    if hasattr(model, "jax_state_sync"):
        model.jax_state_sync()


def resumed_epoch(model: keras.Model) -> int | None:
    """Returns the epoch at which a callback (BackupAndRestore) resumes training, and forgets it."""
    epoch, model._initial_epoch = model._initial_epoch, None
    return epoch


def compiled_metrics(model: keras.Model) -> list[keras.metrics.Metric]:
    """Returns the metrics that `compile` was given; known once the model has seen a batch."""
    own = [metric for metric in model.metrics if isinstance(metric, CompileMetrics)]
    return [metric for group in own for metric in group.metrics]


def metric_direction(metric: keras.metrics.Metric) -> str | None:
    """Returns `up` where larger values of a metric are better, else `down`; None: unknown."""
    return getattr(metric, "_direction", None)


def remake_functions(model: keras.Model) -> None:
    """Makes a compiled model trace its steps again, also in the middle of `fit`."""
    if not getattr(model, "compiled", False):
        return
    model.test_function = None
    model.predict_function = None
    if model.train_function is not None:
        model.make_train_function(force=True)


def innermost(optimizer: Any) -> Any:
    """Returns the optimizer inside loss-scaling ones."""
    while hasattr(optimizer, "inner_optimizer"):
        optimizer = optimizer.inner_optimizer
    return optimizer


def iterations(model: keras.Model) -> int | None:
    """Returns how many batches' gradients the optimizer was given; None without an optimizer.

    In the midst of JAX's `fit` the state holds the count, and is read without syncing it.
    """
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None:
        return None
    counter = innermost(optimizer)._iterations
    state = getattr(model, "_jax_state", None)
    if state and not model._jax_state_synced:
        held = zip(optimizer.variables, state["optimizer_variables"])
        return next(int(value) for variable, value in held if variable is counter)
    return int(keras.ops.convert_to_numpy(counter.value))


def batches_per_update(model: keras.Model) -> int:
    """Returns how many batches' gradients the optimizer gathers for an update; 1 without one."""
    optimizer = innermost(getattr(model, "optimizer", None))
    return int(getattr(optimizer, "gradient_accumulation_steps", None) or 1)


def forget_variables(optimizer: Any, variables: list[keras.Variable]) -> None:
    """Takes variables that `optimizer.add_variable` made out of the optimizer again."""
    gone = {id(variable) for variable in variables}
    left = [v for v in optimizer._variables if id(v) not in gone]
    # A new list: TensorFlow's checkpoints refuse one of theirs that lost an entry.
    object.__setattr__(optimizer, "_variables", left)
    accepts, _ = optimizer._tracker.config["variables"]
    optimizer._tracker.config["variables"] = (accepts, left)


def optimized_variables(optimizer: Any) -> list[keras.Variable]:
    """Returns the variables that an optimizer was built with, in the order of its slots."""
    return list(optimizer._trainable_variables)


def learning_rate(optimizer: keras.optimizers.Optimizer) -> Any:
    """Returns what an optimizer was given as its learning rate: a variable, or its schedule."""
    return optimizer._learning_rate


def clip_sums(optimizer: keras.optimizers.Optimizer, replicas: int) -> None:
    """Lets an optimizer on TensorFlow clip the gradients of the whole batch.

    Keras clips what each replica has found and sums afterwards, and measures the gradient of an
    embedding by a row for each use of a word, before uses are summed: neither norm is that of the
    batch. Here the sum is clipped, and its share given back to be summed.

    Args:
        optimizer: one that clips, or one that does not, which stays as it is.
        replicas: over which gradients are summed; 1 where there is no `tf.distribute`.
    """
    if not (optimizer.clipnorm or optimizer.global_clipnorm or optimizer.clipvalue):
        return
    clip = optimizer._clip_gradients

    def clip_sum(gradients: Any) -> list[Any]:
        import tensorflow as tf

        own = [tf.convert_to_tensor(g) for g in gradients if g is not None]
        if replicas > 1:
            own = tf.distribute.get_replica_context().all_reduce("SUM", own)
        summed = iter(own)
        clipped = clip([None if g is None else next(summed) for g in gradients])
        return [None if g is None else g / replicas for g in clipped]

    optimizer._clip_gradients = clip_sum
