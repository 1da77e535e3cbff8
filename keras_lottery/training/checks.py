"""What `fit` is given, checked before anything is trained."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import keras
import numpy as np

from keras_lottery.errors import LotteryError
from keras_lottery.training.epochs import is_arrays

_SPARSE = "sparse_categorical_crossentropy"


def check_settings(validation_freq: Any, seed: Any, initial_step: Any) -> None:
    """Checks what Keras' `fit` does not.

    Raises:
        LotteryError: a validation frequency that is neither an integer from 1 on nor a list of
            them, or a negative seed or step.
    """
    every = list(validation_freq) if isinstance(validation_freq, Sequence) else [validation_freq]
    if not all(_is_count(value, least=1) for value in every):
        raise LotteryError(
            "Expected a validation_freq of at least 1 epoch, or a list of epochs. "
            f"Received: {validation_freq!r}. Leave out validation_data to never validate."
        )
    for name, value in (("seed", seed), ("initial_step", initial_step)):
        if value is not None and not _is_count(value, least=0):
            raise LotteryError(
                f"Expected a {name} that is an integer of at least 0. Received: {value!r}. "
                f"Choose another {name}."
            )


def _is_count(value: Any, least: int) -> bool:
    is_integer = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return is_integer and value >= least


def check_arrays(x: Any, y: Any, sample_weight: Any) -> list[Any]:
    """Returns those that there are; with inputs that are arrays, all are.

    Raises:
        LotteryError: one is something else, such as a list of numbers.
    """
    for name, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None and not is_arrays(value):
            raise LotteryError(
                f"Expected {name} as arrays, like x. Received: {type(value).__name__}. "
                "Convert it with np.asarray."
            )
    return [value for value in (x, y, sample_weight) if value is not None]


def check_batches(x: Any, settings: Mapping[str, Any]) -> None:
    """Checks that nothing but arrays comes with labels or weights beside it, or is split.

    Raises:
        LotteryError: one of them was given.
    """
    beside = [name for name in ("y", "sample_weight") if settings[name] is not None]
    beside += ["validation_split"] if settings["validation_split"] else []
    if beside:
        raise LotteryError(
            f"Expected {beside[0]} with arrays only. Received: {beside[0]} and x, a "
            f"{type(x).__name__}. Have the data yield (x, y) or (x, y, sample_weight), and pass "
            "what is held out as validation_data."
        )


def check_labels(model: keras.Model, x: Any, y: Any = None, weight: Any = None) -> None:
    """Checks the labels of sparse cross-entropy, which JAX takes for a loss of 0 out of range.

    Args:
        model: compiled.
        x: inputs.
        y: labels.
        weight: their sample weights; labels with a weight of 0 are not looked at.

    Raises:
        LotteryError: a label below 0, or at least as large as the output is wide.
    """
    for name, loss, labels, output, weights in _outputs(model, x, y, weight):
        wide = output.shape[-1]
        ignored = getattr(loss, "ignore_class", None)
        if wide is None or not _is_sparse(loss):
            continue
        counted = np.asarray(labels).ravel()
        if weights is not None and np.size(weights) == counted.size:
            counted = counted[np.asarray(weights).ravel() != 0]
        wrong = counted[((counted < 0) | (counted >= wide)) & (counted != ignored)]
        if wrong.size:
            raise LotteryError(
                f"Expected labels from 0 to {wide - 1}, since {name} has {wide} units. Received: "
                f"{wrong.size} others, such as {wrong[0]}. Correct the labels, widen the layer, "
                "or name the label to leave out as the loss' ignore_class."
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
    """Returns the outputs of a model, as nested as they are, without computing them.

    None for a model whose `call` needs values.
    """
    if not model.built:
        model(keras.tree.map_structure(lambda a: np.asarray(a[:1]), x))
    known = list(getattr(model, "outputs", None) or [])
    if len(known) == 1:
        return known[0]
    one = keras.tree.map_structure(lambda a: keras.KerasTensor((1, *a.shape[1:])), x)
    with suppress(Exception):  # whatever a model's own code raises at symbolic tensors
        return model.compute_output_spec(one)
    return None


def _is_sparse(loss: Any) -> bool:
    name = loss if isinstance(loss, str) else getattr(loss, "name", getattr(loss, "__name__", ""))
    is_class = isinstance(loss, keras.losses.SparseCategoricalCrossentropy)
    return is_class or str(name).lower() in (_SPARSE, "sparsecategoricalcrossentropy")
