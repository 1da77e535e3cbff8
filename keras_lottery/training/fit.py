"""`fit` for any Keras model: Keras' arguments and callbacks, many steps in one compiled call."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError
from keras_lottery.training.arguments import check_fit
from keras_lottery.training.callbacks.steps import StepCallback
from keras_lottery.training.data import ArrayData, DataOrder, EpochData, length
from keras_lottery.training.loop import Evaluation, results, train_steps
from keras_lottery.training.programs import Program, make_program

_BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")
# Calls an epoch that a progress bar is moved by.
_MOVES = 20


def fit(
    model: keras.Model,
    x: Any = None,
    y: Any = None,
    *,
    batch_size: int | None = None,
    epochs: int = 1,
    verbose: int | str = "auto",
    callbacks: Sequence[keras.callbacks.Callback] | None = None,
    validation_split: float = 0.0,
    validation_data: Any = None,
    shuffle: bool = True,
    class_weight: Mapping[int, float] | None = None,
    sample_weight: Any = None,
    initial_epoch: int = 0,
    steps_per_epoch: int | None = None,
    validation_steps: int | None = None,
    validation_batch_size: int | None = None,
    validation_freq: int | Sequence[int] = 1,
    seed: int = 0,
    initial_step: int | None = None,
    program: Program | None = None,
) -> keras.callbacks.History:
    """Trains like `model.fit`, with whole epochs of array data in one compiled call.

    Batch hooks of callbacks are called after every step where a callback defines one, otherwise
    after each compiled call, as Keras does under `steps_per_execution`. Data that are not arrays
    (tf.data, PyDataset, generators), and `steps_per_epoch` or `validation_steps`, are handed to
    `model.fit`.

    Args:
        model: compiled; every other argument as in `keras.Model.fit`.
        seed: of the order of the data, which is the same on every backend.
        initial_step: optimizer step to begin at, also within an epoch; instead of initial_epoch.
        program: of this model (see `prepare`), to use again what an earlier call compiled.

    Returns:
        The history, as Keras' own `fit` does.

    Raises:
        LotteryError: arrays of unequal lengths, or a class without a weight.
    """
    check_fit(model, x, {
        "batch_size": batch_size, "epochs": epochs, "verbose": verbose, "callbacks": callbacks,
        "validation_split": validation_split, "class_weight": class_weight,
        "initial_epoch": initial_epoch, "initial_step": initial_step, "seed": seed,
        "steps_per_epoch": steps_per_epoch, "validation_steps": validation_steps,
        "validation_batch_size": validation_batch_size,
    })  # fmt: skip
    if not is_arrays(x) or steps_per_epoch or validation_steps or model.run_eagerly:
        return model.fit(
            x, y, batch_size=batch_size, epochs=epochs, verbose=verbose, callbacks=callbacks,
            validation_split=validation_split, validation_data=validation_data, shuffle=shuffle,
            class_weight=class_weight, sample_weight=sample_weight, initial_epoch=initial_epoch,
            steps_per_epoch=steps_per_epoch, validation_steps=validation_steps,
            validation_batch_size=validation_batch_size, validation_freq=validation_freq,
        )  # fmt: skip
    if class_weight is not None and sample_weight is not None:
        raise LotteryError(
            "Expected class_weight or sample_weight. Received both. Multiply them yourself and "
            "pass the product as sample_weight."
        )
    train = (x, y, sample_weight)
    if validation_split and validation_data is None:
        train, validation_data = _split(train, validation_split)
    if class_weight is not None:
        train = (*train[:2], _class_weights(train[1], class_weight))
    train = tuple(part for part in train if part is not None)
    order = DataOrder(length(train), batch_size or 32, seed, shuffle, drop_remainder=False)
    if any(getattr(callback, "changes_step", False) for callback in callbacks or ()):
        program = None
    program = program or prepare(model, *train)
    data = EpochData(program, ArrayData(train, None, train))
    evaluate = None
    if validation_data is not None:
        validation = tuple(part for part in validation_data if part is not None)
        evaluate = Evaluation(program, validation, length(validation))
    hooks = keras.callbacks.CallbackList(
        list(callbacks or ()),
        add_history=True,
        add_progbar=verbose != 0,
        verbose=verbose,
        epochs=epochs,
        steps=order.steps_per_epoch,
        model=model,
    )
    every = _call_length(callbacks or (), order, verbose)
    first = initial_epoch * order.steps_per_epoch if initial_step is None else initial_step
    stops = {s + first for c in callbacks or () if isinstance(c, StepCallback) for s in c.stops()}
    hooks.on_train_begin()
    model.stop_training = False
    logs: dict[str, float] = {}
    for epoch in range(order.epoch(first), epochs):
        end = (epoch + 1) * order.steps_per_epoch
        steps = range(max(first, end - order.steps_per_epoch), end)
        hooks.on_epoch_begin(epoch)
        logs = _one_epoch(
            model, train_steps(program, data, order, steps, stops=stops, every=every), steps, hooks
        )
        if evaluate is not None and _is_due(epoch, validation_freq):
            hooks.on_test_begin()
            found = evaluate(model)
            hooks.on_test_end(found)
            logs |= {f"val_{k}": v for k, v in found.items()}
        hooks.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    _finish_ema(model)
    hooks.on_train_end(logs)
    return model.history


def _one_epoch(
    model: keras.Model, reached: Iterator[int], steps: range, hooks: Any
) -> dict[str, float]:
    """Trains one epoch, or what is left of it, and returns its logs."""
    model.reset_metrics()
    hooks.on_train_batch_begin(0)
    for step in reached:
        logs = {k: float(v) for k, v in model.get_metrics_result().items()}
        hooks.on_train_batch_end(step - steps.start - 1, logs)
        if model.stop_training:
            break
        if step < steps.stop:
            hooks.on_train_batch_begin(step - steps.start)
    return results(model)


def is_arrays(x: Any) -> bool:
    """Returns True for arrays, nested or not: what can be held on the device as a whole."""
    leaves = keras.tree.flatten(x)
    return bool(leaves) and all(
        hasattr(leaf, "shape") and hasattr(leaf, "__getitem__") and hasattr(leaf, "__array__")
        for leaf in leaves
    )


def _class_weights(y: Any, class_weight: Mapping[int, float]) -> NDArray[np.float32]:
    """Returns the weight of every example from that of its class."""
    labels = np.asarray(y)
    labels = labels.argmax(-1) if labels.ndim > 1 and labels.shape[-1] > 1 else labels.ravel()
    missing = sorted(set(np.unique(labels).tolist()) - set(class_weight))
    if missing:
        raise LotteryError(
            f"Expected a class_weight for every class. Received none for {missing}. Add them."
        )
    return np.array([class_weight[int(label)] for label in labels], np.float32)


def _split(train: tuple[Any, ...], fraction: float) -> tuple[Any, Any]:
    """Takes the last `fraction` of the examples for validation, as Keras does."""
    if not 0 < fraction < 1:
        raise LotteryError(
            f"Expected a validation_split above 0 and below 1. Received: {fraction}."
        )
    cut = int(length(train) * (1 - fraction))
    head = keras.tree.map_structure(lambda a: None if a is None else a[:cut], train)
    return head, keras.tree.map_structure(lambda a: None if a is None else a[cut:], train)


def prepare(model: keras.Model, *arrays: Any) -> Program:
    """Returns the program of a compiled model, for `fit` to use again and again.

    Args:
        model: compiled.
        arrays: `x`, `y` and `sample_weight` as far as there are any; one example is looked at,
            since Keras makes weights, slots and metrics on the first batch.
    """
    batch = keras.tree.map_structure(lambda a: np.asarray(a[:1]), arrays)
    model.test_on_batch(*batch)
    model.reset_metrics()
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    return make_program(model)


def _call_length(callbacks: Sequence[Any], order: DataOrder, verbose: Any) -> int:
    """Returns the steps a compiled call: 1 where a callback wants to see every batch."""
    base = keras.callbacks.Callback
    others = [type(c) for c in callbacks if not isinstance(c, StepCallback)]
    if any(getattr(kind, h) is not getattr(base, h) for kind in others for h in _BATCH_HOOKS):
        return 1
    if verbose == 0:
        return order.steps_per_epoch
    return max(1, -(-order.steps_per_epoch // _MOVES))


def _is_due(epoch: int, frequency: int | Sequence[int]) -> bool:
    if isinstance(frequency, int):
        return (epoch + 1) % frequency == 0
    return epoch + 1 in frequency


def _finish_ema(model: keras.Model) -> None:
    """Ends as Keras' `fit` does: with `use_ema` the averages become the weights."""
    optimizer = model.optimizer
    if isinstance(optimizer, keras.optimizers.Optimizer) and model.trainable_weights:
        optimizer.finalize_variable_values(model.trainable_weights)
    if getattr(optimizer, "use_ema", False):
        for weight in model.trainable_weights:  # on JAX it now is the very array of the average
            weight.assign(keras.ops.copy(weight.value))
