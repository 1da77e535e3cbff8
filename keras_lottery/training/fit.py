"""`fit` for any Keras model: Keras' arguments and callbacks, many steps per compiled call."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import keras
import numpy as np

from keras_lottery.backend.distribution import is_distributed
from keras_lottery.masking.keras_internals import functional_of, resumed_epoch, run_first_batch
from keras_lottery.masking.mask_holder import zero_stored
from keras_lottery.training.arrays import weighted_and_split
from keras_lottery.training.checkpoint import capture_seeds, restore_seeds
from keras_lottery.training.checks import check_fit, check_labels
from keras_lottery.training.data import ArrayData, DataOrder, EpochData, length
from keras_lottery.training.epochs import Epochs, array_batch_size, is_arrays, is_one_shot
from keras_lottery.training.keras_fit import Batches, Settings, fit_batches, keras_fit
from keras_lottery.training.loop import Evaluation, logs_of, results, train_steps
from keras_lottery.training.neurons import thaw
from keras_lottery.training.programs import Program, make_program
from keras_lottery.training.resident import FitProgram
from keras_lottery.training.step_callback import FIRST, StepCallback

_BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")
_TEST_HOOKS = ("on_test_batch_begin", "on_test_batch_end")
# Progress-bar updates per epoch.
_PROGRESS_UPDATES = 20

Callbacks: TypeAlias = keras.callbacks.Callback | Sequence[keras.callbacks.Callback]


def fit(
    model: keras.Model,
    x: Any = None,
    y: Any = None,
    *,
    batch_size: int | None = None,
    epochs: int = 1,
    verbose: int | str = "auto",
    callbacks: Callbacks | None = None,
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
    seed: int | None = None,
    initial_step: int | None = None,
    program: Program | None = None,
) -> keras.callbacks.History:
    """Trains like `model.fit`, with whole epochs of array data in one compiled call.

    Batch hooks run after every step if any callback defines one, otherwise after each compiled
    call, as under Keras' `steps_per_execution`. Data other than arrays (tf.data, PyDataset,
    generators), eager models and models on several devices train through `model.fit`.

    Args:
        model: compiled; the other arguments not listed here are those of `keras.Model.fit`.
        seed: seed of the order of arrays and of a PyDataset's batches, the same on every backend;
            None: 0. Other data have their own order.
        initial_step: optimizer step to start at, even within an epoch; instead of initial_epoch.
        program: what `keras_lottery.training.prepare` returned for this model, to reuse its
            compiled steps, and on a CPU also its copies of those arrays that haven't
            changed.

    Returns:
        Keras' history.

    Raises:
        LotteryError: a setting is out of range, arrays differ in length, a label is out of
            range, or a class has no weight.
    """
    settings = {
        "y": y, "batch_size": batch_size, "epochs": epochs, "verbose": verbose,
        "callbacks": callback_list(callbacks), "validation_split": validation_split,
        "validation_data": validation_data, "shuffle": shuffle, "class_weight": class_weight,
        "sample_weight": sample_weight, "initial_epoch": initial_epoch,
        "steps_per_epoch": steps_per_epoch, "validation_steps": validation_steps,
        "validation_batch_size": validation_batch_size, "validation_freq": validation_freq,
    }  # fmt: skip
    check_fit(model, x, settings | {"initial_step": initial_step, "seed": seed})
    if isinstance(validation_freq, Sequence):
        settings["validation_freq"] = list(validation_freq)  # Keras takes a tuple for a number
    if not is_arrays(x):
        return keras_fit(model, x, settings, initial_step, seed)
    return _fit_arrays(model, x, settings, initial_step, seed or 0, program)


def callback_list(callbacks: Callbacks | None) -> list[keras.callbacks.Callback]:
    """Returns callbacks as a list."""
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return list(callbacks.callbacks)
    return keras.tree.flatten(callbacks) if callbacks else []


def _fit_arrays(
    model: keras.Model,
    x: Any,
    settings: dict[str, Any],
    initial_step: int | None,
    seed: int,
    program: Program | None,
) -> keras.callbacks.History:
    train, validation = weighted_and_split(x, settings)
    check_labels(model, *train)
    if is_arrays(validation):
        check_labels(model, *keras.utils.unpack_x_y_sample_weight(validation))
    steps = settings["steps_per_epoch"]
    batch = array_batch_size(length(train), settings["batch_size"], steps)
    order = DataOrder(length(train), batch, seed, settings["shuffle"], drop_remainder=False)
    epochs = Epochs(order.steps_per_epoch, steps)
    if steps and order.steps_per_epoch % steps:
        warnings.warn(
            f"steps_per_epoch={steps} does not divide the {order.steps_per_epoch} batches of the "
            "data: an epoch also ends at the end of the data.",
            stacklevel=3,
        )
    if model.run_eagerly or is_one_shot(validation) or is_distributed(model):
        batches = Batches(_Gathered(train, order), epochs)
        settings |= {"class_weight": None, "validation_data": validation, "validation_split": 0.0}
        settings["steps_per_epoch"] = None
        return fit_batches(model, batches, settings, initial_step)
    thaw(model)
    zero_stored(model)  # the compiled steps rely on it
    callbacks, verbose, last = (settings[n] for n in ("callbacks", "verbose", "epochs"))
    if _is_stale(program, model) or any(getattr(c, "changes_step", False) for c in callbacks):
        program = None
    program = program or prepare(model, *train)
    if not isinstance(program, FitProgram):
        program = FitProgram(program)
    data = EpochData(program, ArrayData(train, None, train))
    hooks = keras.callbacks.CallbackList(
        list(callbacks),
        add_history=True,
        add_progbar=verbose != 0,
        verbose=verbose,
        epochs=last,
        steps=steps or epochs.length,
        model=model,
    )
    evaluate = _validator(model, program.validation, validation, settings, hooks)
    every = _call_length(callbacks, epochs.length, verbose)
    first = epochs.start(settings["initial_epoch"]) if initial_step is None else initial_step
    model.stop_training = False
    hooks.on_train_begin()
    if (resumed := resumed_epoch(model)) is not None:
        first = epochs.start(resumed)
    hooks.set_params(hooks.params | {FIRST: (epochs.of(first), first)})
    logs: dict[str, Any] = {}
    for epoch in range(epochs.of(first), last):
        reached = range(max(first, epochs.start(epoch)), epochs.start(epoch + 1))
        hooks.on_epoch_begin(epoch)
        stops = _stops(callbacks, reached.start)
        # Keras checks `stop_training` after each step; a callback may have set it already.
        calls = train_steps(
            program, data, order, reached, stops=stops, every=1 if model.stop_training else every
        )
        logs = _one_epoch(model, calls, reached, hooks)
        if evaluate is not None and _is_due(epoch, settings["validation_freq"]):
            logs |= {f"val_{k}": v for k, v in evaluate().items()}
        hooks.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    _finish_ema(model)
    hooks.on_train_end(logs)
    zero_stored(model)  # callbacks may have written after the last step
    return model.history


def _one_epoch(
    model: keras.Model, reached: Iterator[int], steps: range, hooks: Any
) -> dict[str, Any]:
    """Trains one epoch or the rest of it, and returns its logs."""
    model.reset_metrics()
    hooks.on_train_batch_begin(0)
    for step in reached:
        logs = logs_of(model)
        hooks.on_train_batch_end(step - steps.start - 1, logs)
        if model.stop_training:
            break
        if step < steps.stop:
            hooks.on_train_batch_begin(step - steps.start)
    return results(model)


class _Gathered:
    """The batch of each step, gathered from arrays in a seeded order."""

    def __init__(self, arrays: tuple[Any, ...], order: DataOrder) -> None:
        self._arrays = keras.tree.map_structure(np.asarray, arrays)
        self._order = order

    def __call__(self, step: int) -> Any:
        rows = self._order.rows(step, step + 1)[0]
        return keras.tree.map_structure(lambda array: array[rows], self._arrays)


def _validator(
    model: keras.Model, program: Program, data: Any, settings: Settings, hooks: Any
) -> Callable[[], dict[str, Any]] | None:
    """Returns the function that evaluates the validation data, compiled for arrays."""
    if data is None:
        return None
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    steps = settings["validation_steps"]
    batch = settings["validation_batch_size"] or settings["batch_size"]
    if not is_arrays(x) or _defines(hooks.callbacks, _TEST_HOOKS):
        return lambda: model.evaluate(
            x, y, batch, sample_weight=sample_weight, steps=steps, callbacks=hooks, return_dict=True
        )
    arrays = tuple(part for part in (x, y, sample_weight) if part is not None)
    examples = length(arrays)
    batch = array_batch_size(examples, batch, steps)  # Keras' default if there is none
    if steps:
        examples = min(examples, steps * batch)
    evaluate = Evaluation(program, arrays, examples, batch=batch)

    def evaluate_arrays() -> dict[str, Any]:
        hooks.on_test_begin()
        metrics = evaluate(model)
        hooks.on_test_end(metrics)
        return metrics

    return evaluate_arrays


def prepare(model: keras.Model, *arrays: Any) -> FitProgram:
    """Returns the program of a compiled model, which several calls of `fit` can reuse.

    Args:
        model: compiled.
        arrays: `x`, `y` and `sample_weight`, if any. One example is run, or a batch if the model
            has a fixed one, since Keras creates weights, slots and metrics on the first batch.
    """
    sizes = [tensor.shape[0] for tensor in getattr(functional_of(model), "inputs", ())]
    size = next((size for size in sizes if size), 1)
    batch = keras.tree.map_structure(lambda a: np.asarray(a[:size]), arrays)
    seeds = capture_seeds(model) if model.built else {}
    run_first_batch(model, *batch)
    restore_seeds(model, capture_seeds(model) | seeds)  # recurrent dropout draws in evaluation
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    return FitProgram(make_program(model), _parts(model))


def _parts(model: keras.Model) -> tuple[Any, ...]:
    """Returns what a program is traced with: optimizer, loss and variables."""
    return (
        model.optimizer,
        model.loss,
        *model.trainable_variables,
        None,
        *model.non_trainable_variables,
    )


def _is_stale(program: Program | None, model: keras.Model) -> bool:
    """Returns True if the model was masked or compiled after its program was traced."""
    if not (before := getattr(program, "made_for", ())):
        return False
    now = _parts(model)
    return len(before) != len(now) or any(a is not b for a, b in zip(before, now))


def _call_length(callbacks: Sequence[Any], steps: int, verbose: Any) -> int:
    """Returns the steps per compiled call: 1 if a callback has batch hooks."""
    if _defines([c for c in callbacks if not isinstance(c, StepCallback)], _BATCH_HOOKS):
        return 1
    if verbose == 0:
        return steps
    return max(1, -(-steps // _PROGRESS_UPDATES))


def _defines(callbacks: Sequence[Any], hooks: Sequence[str]) -> bool:
    """Returns True if a callback defines one of the hooks, in its class or on the object."""
    base = keras.callbacks.Callback
    defining = [c for c in callbacks if not isinstance(c, keras.callbacks.ProgbarLogger)]
    return any(
        hook in vars(callback) or getattr(type(callback), hook, None) is not getattr(base, hook)
        for callback in defining
        for hook in hooks
    )


def _stops(callbacks: Sequence[Any], step: int) -> set[int]:
    """Returns the steps after `step` at which a callback must be called."""
    stops = (c.stops() for c in callbacks if isinstance(c, StepCallback))
    return {step + offset for offsets in stops for offset in offsets}


def _is_due(epoch: int, frequency: int | Sequence[int]) -> bool:
    if isinstance(frequency, Sequence):
        return epoch + 1 in frequency
    return (epoch + 1) % frequency == 0


def _finish_ema(model: keras.Model) -> None:
    """Replaces weights by their averages under `use_ema`, as at the end of Keras' `fit`."""
    optimizer = model.optimizer
    if isinstance(optimizer, keras.optimizers.Optimizer) and model.trainable_weights:
        optimizer.finalize_variable_values(model.trainable_weights)
    if getattr(optimizer, "use_ema", False):
        for weight in model.trainable_weights:  # on JAX it now shares the array of the average
            weight.assign(keras.ops.copy(weight.value))
