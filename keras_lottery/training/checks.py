"""Checks of the arguments of `fit` before training: Keras checks them late or not at all."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import keras
import numpy as np

from keras_lottery import checks
from keras_lottery.errors import LotteryError
from keras_lottery.masking.keras_internals import class_axis
from keras_lottery.training.epochs import is_arrays

_SPARSE = "sparse_categorical_crossentropy"
_LEAST = {
    "batch_size": 1,
    "steps_per_epoch": 1,
    "validation_steps": 1,
    "validation_batch_size": 1,
    "epochs": 0,
    "initial_epoch": 0,
    "initial_step": 0,
}
"""The smallest value of the whole-number arguments of `fit`."""


def compiled_model(model: object) -> keras.Model:
    """Returns a compiled Keras model.

    Raises:
        LotteryError: the argument is something else, or not compiled.
    """
    if not isinstance(model, keras.Model):
        kind = type(model)
        raise LotteryError(
            f"Expected a Keras model. Received: {kind.__module__}.{kind.__qualname__}. "
            "Pass a keras.Model of Keras 3, not of tf_keras."
        )
    if not model.compiled:
        raise LotteryError(
            f"Expected a compiled model. Received: {model.name!r}, which is not. "
            "Call model.compile(...) first."
        )
    return model


def check_fit(model: object, x: Any, settings: Mapping[str, Any]) -> None:
    """Raises LotteryError if an argument of `fit` has the wrong type or is out of range.

    Args:
        model: compiled.
        x: the data.
        settings: the other arguments by name; None means the default.
    """
    compiled_model(model)
    if x is None:
        raise LotteryError("Expected training data. Received: x=None. Pass arrays or a data set.")
    passed = {name: value for name, value in settings.items() if value is not None}
    for name, least in _LEAST.items():
        if name in passed:
            checks.whole_number(passed[name], name, least=least)
    every = passed.get("validation_freq", 1)
    for value in every if isinstance(every, Sequence) and not isinstance(every, str) else [every]:
        checks.whole_number(value, "validation_freq", least=1)
    checks.seed(passed.get("seed", 0))
    checks.fraction(passed.get("validation_split", 0.0), "validation_split")
    checks.instance(passed.get("class_weight", {}), Mapping, "class_weight")  # type: ignore[type-abstract]
    for label, weight in passed.get("class_weight", {}).items():
        checks.number(weight, f"class_weight of {label}")
    if passed.get("verbose", 0) not in (0, 1, 2, "auto"):
        raise LotteryError(
            f"Expected verbose of 0, 1, 2 or 'auto'. Received: {passed['verbose']!r}. Change it."
        )
    for callback in keras.tree.flatten(passed.get("callbacks", ())):
        if not isinstance(callback, keras.callbacks.CallbackList):
            checks.instance(callback, keras.callbacks.Callback, "each of callbacks")


def check_arrays(x: Any, y: Any, sample_weight: Any) -> list[Any]:
    """Returns the arguments that are not None, checking that labels and weights are arrays too.

    Raises:
        LotteryError: one is not an array, such as a list of numbers.
    """
    for name, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None and not is_arrays(value):
            raise LotteryError(
                f"Expected {name} as arrays, like x. Received: {type(value).__name__}. "
                "Convert it with np.asarray."
            )
    return [value for value in (x, y, sample_weight) if value is not None]


def check_batches(x: Any, settings: Mapping[str, Any]) -> None:
    """Checks that batched data come without separate labels, weights or a validation split.

    Raises:
        LotteryError: one of them was passed.
    """
    separate = [name for name in ("y", "sample_weight") if settings[name] is not None]
    separate += ["validation_split"] if settings["validation_split"] else []
    if separate and isinstance(x, list | tuple):
        raise LotteryError(
            f"Expected x as arrays, like {separate[0]}. Received: a {type(x).__name__} of other "
            "things. Convert it with np.asarray."
        )
    if separate:
        raise LotteryError(
            f"Expected {separate[0]} with arrays only. Received: {separate[0]} and x, a "
            f"{type(x).__name__}. Have the data yield (x, y) or (x, y, sample_weight), and pass "
            "held-out data as validation_data."
        )


def check_labels(model: keras.Model, x: Any, y: Any = None, weight: Any = None) -> None:
    """Checks the labels of sparse cross-entropy: on JAX, labels out of range have a loss of 0.

    Args:
        model: compiled.
        x: inputs.
        y: labels.
        weight: sample weights; labels with a weight of 0 are ignored.

    Raises:
        LotteryError: a label is not an integer from 0 to the number of output units minus 1.
    """
    for name, loss, labels, output, weights in _outputs(model, x, y, weight):
        units = output.shape[class_axis(loss)]
        ignored = getattr(loss, "ignore_class", None)
        if units is None or not _is_sparse(loss):
            continue
        counted = np.asarray(labels).ravel()
        if counted.dtype.kind in "OSU":
            raise LotteryError(
                f"Expected integer labels, since {name} has a unit for each. Received: "
                f"{counted.dtype}. Number the classes from 0, as np.unique(..., "
                "return_inverse=True) does."
            )
        if weights is not None and np.size(weights) == counted.size:
            counted = counted[np.asarray(weights).ravel() != 0]
        is_unit = (counted >= 0) & (counted < units) & (counted == np.trunc(counted))
        wrong = counted[~is_unit & (counted != ignored)]
        if wrong.size:
            raise LotteryError(
                f"Expected whole labels from 0 to {units - 1}, since {name} has {units} units. "
                f"Received: {wrong.size} others, such as {wrong[0]}. Correct the labels, widen "
                "the layer, or name the label to leave out as the loss' ignore_class."
            )


def _outputs(model: keras.Model, x: Any, y: Any, weight: Any) -> Iterator[tuple[Any, ...]]:
    """Yields name, loss, labels, symbolic output and sample weight of each output with labels."""
    losses = keras.tree.flatten(model.loss) if model.loss is not None else []
    if y is None or not any(map(_is_sparse, losses)):
        return
    outputs = _symbolic_outputs(model, x)
    if outputs is None:
        return
    if not keras.tree.is_nested(y) and not keras.tree.is_nested(outputs):
        yield "the output", losses[0], y, outputs, weight
    elif isinstance(y, dict) and isinstance(model.loss, dict) and isinstance(outputs, dict):
        for name in model.loss.keys() & y.keys() & outputs.keys():
            weights = weight.get(name) if isinstance(weight, dict) else weight
            yield f"output {name!r}", model.loss[name], y[name], outputs[name], weights
    elif isinstance(y, list | tuple) and isinstance(outputs, list | tuple):
        every = losses if len(losses) > 1 else losses * len(y)
        weights = weight if isinstance(weight, list | tuple) else [weight] * len(y)
        for index, row in enumerate(zip(every, y, outputs, weights, strict=False)):
            yield f"output {index}", *row


def _symbolic_outputs(model: keras.Model, x: Any) -> Any:
    """Returns the nested symbolic outputs of a model; None if its `call` needs real values."""
    if not model.built:
        model(keras.tree.map_structure(lambda a: np.asarray(a[:1]), x))
    known = list(getattr(model, "outputs", None) or [])
    if len(known) == 1:
        return known[0]
    example = keras.tree.map_structure(lambda a: keras.KerasTensor((1, *a.shape[1:])), x)
    with suppress(Exception):  # model code may raise anything on symbolic tensors
        return model.compute_output_spec(example)
    return None


def _is_sparse(loss: Any) -> bool:
    name = loss if isinstance(loss, str) else getattr(loss, "name", getattr(loss, "__name__", ""))
    is_class = isinstance(loss, keras.losses.SparseCategoricalCrossentropy)
    return is_class or str(name).lower() in (_SPARSE, "sparsecategoricalcrossentropy")
