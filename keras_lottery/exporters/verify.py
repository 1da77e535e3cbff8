"""Compares a reloaded artifact with its model: all variables by path, and outputs on one batch."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError, reason_of
from keras_lottery.exporters.exporter import Arrays, Subject
from keras_lottery.exporters.report import StoredVariable
from keras_lottery.exporters.signature import (
    Signature,
    given_batch,
    named,
    random_batch,
    signature_of,
)
from keras_lottery.types import VariableInfo

_LENGTHS = (16, 64, 256)
_LEAST = 1e-3  # an output below this is rounding noise of larger values that cancel out


def verify(
    expected: Arrays, received: Arrays | None, tolerance: float | None, share: float
) -> tuple[float, float]:
    """Returns the difference of the output closest to its limit, and that limit.

    Each output is judged by its own magnitude, so that a large one hides no error in a small one.

    Args:
        expected: the model's outputs.
        received: those that a fresh process computed; None: the format has only weights.
        tolerance: the allowed difference; None: `share` of the output's largest magnitude or 1e-3.
        share: see `tolerance`.

    Raises:
        LotteryError: an output differs by more than allowed.
    """
    if received is None:
        return 0.0, 0.0
    if set(received) != set(expected):
        raise LotteryError(
            f"Expected the outputs {sorted(expected)}. Received: {sorted(received)} from the "
            "artifact. Nothing was written."
        )
    name, difference, allowed = worst_output(expected, received, share, tolerance)
    if difference > allowed:
        raise LotteryError(
            f"Expected outputs within {allowed:.1e} of the model's. Received: a difference of "
            f"{difference:.1e} in {name!r} after reloading; nothing was written. Make the model "
            "deterministic at inference if it is not, add settings that a get_config lacks, or "
            "allow more: kl.export(tolerance=...)."
        )
    return difference, allowed


def worst_output(
    expected: Arrays, received: Arrays, share: float, tolerance: float | None = None
) -> tuple[str, float, float]:
    """Returns the name, difference and limit of the output that is closest to its limit.

    Args:
        expected: the model's outputs.
        received: the artifact's, under the same names.
        share: the limit as a share of the output's largest magnitude, or of 1e-3 if that is larger.
        tolerance: a limit for all outputs instead.
    """
    outputs: list[tuple[float, str, float, float]] = []
    for name, value in expected.items():
        difference, magnitude = output_difference({name: value}, {name: received[name]})
        limit = share * max(magnitude, _LEAST) if tolerance is None else tolerance
        ratio = difference / limit if limit else float("inf") if difference else 0.0
        outputs.append((ratio, name, difference, limit))
    return max(outputs)[1:]


def output_difference(expected: Arrays, received: Arrays) -> tuple[float, float]:
    """Returns the largest absolute difference, and the largest expected magnitude.

    Infinities and NaN equal themselves in the same place; otherwise they make the difference
    infinite.
    """
    difference = magnitude = 0.0
    for name, value in expected.items():
        ours, theirs = value.astype(np.float64), received[name].astype(np.float64)
        if ours.shape != theirs.shape:
            return float("inf"), magnitude
        finite = np.isfinite(ours)
        if not np.array_equal(ours[~finite], theirs[~finite], equal_nan=True):
            return float("inf"), magnitude
        if not np.isfinite(theirs[finite]).all():
            return float("inf"), magnitude
        difference = max(difference, np.abs(ours[finite] - theirs[finite]).max(initial=0.0))
        magnitude = max(magnitude, np.abs(ours[finite]).max(initial=0.0))
    return float(difference), float(magnitude)


def share_of(model: Any, share: float) -> float:
    """Returns `share`; at least 2e-2 if anything is in half precision."""
    from keras_lottery.masking.keras_internals import flatten_layers

    types = {str(layer.compute_dtype) for layer in flatten_layers(model)} | {
        str(v.dtype) for v in model.weights
    }
    return max(share, 2e-2) if types & {"float16", "bfloat16"} else share


def same_variables(
    expected: tuple[StoredVariable, ...], received: tuple[StoredVariable, ...]
) -> None:
    """Raises LotteryError unless both have the same values under the same paths."""
    ours = {v.path: (v.shape, v.dtype, v.digest) for v in expected}
    theirs = {v.path: (v.shape, v.dtype, v.digest) for v in received}
    wrong = sorted(
        path for path in ours.keys() | theirs.keys() if ours.get(path) != theirs.get(path)
    )
    if wrong:
        raise LotteryError(
            f"Expected the artifact to hold the model's {len(ours)} variables. Received: "
            f"{len(theirs)}, of which these differ: {', '.join(wrong[:5])}. Nothing was written; "
            "check how the model saves and loads its own variables."
        )


def stored_variables(model: Any) -> tuple[StoredVariable, ...]:
    """Describes every variable of the plain `model`, except seeds and metrics."""
    from keras_lottery import backend, masking

    return tuple(
        StoredVariable.of(path, backend.view(variable.value), variable.dtype)
        for path, variable in sorted(masking.variables(model).items())
    )


def answers(
    model: Any, signature: Signature, inputs: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """Calls `model` for inference; returns its outputs by name.

    States of recurrent layers and seed generators stay as they are.
    """
    import keras

    from keras_lottery.backend.runtime import full_precision

    tensors = {
        spec.name: keras.ops.convert_to_tensor(inputs[spec.name], dtype=spec.dtype)
        for spec in signature.inputs
    }
    with full_precision(), keras.StatelessScope():
        outputs = named(model(*signature.bind(tensors), training=False), "output")
    return {name: np.asarray(keras.ops.convert_to_numpy(v)) for name, v in outputs.items()}


def subject_of(model: Any, infos: list[VariableInfo], example: Any = None) -> Subject:
    """Records the outputs of `model` for `example`, or for a random batch.

    Integers are drawn below the size of the model's smallest embedding. If a shape has an unknown
    length, longer ones are tried until the model runs.

    Raises:
        LotteryError: the model does not run on the batch, or has no finite outputs.
    """
    signature = signature_of(model, example)
    if example is not None:
        batches = [given_batch(signature, example)]
    else:
        high = min((i.shape[0] for i in infos if i.kind == "embedding"), default=2)
        open_lengths = any(None in spec.shape[1:] for spec in signature.inputs)
        lengths = _LENGTHS if open_lengths else _LENGTHS[:1]
        batches = [random_batch(signature, length=n, high=high) for n in lengths]
    reason = ""
    for batch in batches:
        try:
            subject = Subject(model, signature, batch, answers(model, signature, batch))
        except Exception as error:  # whatever the user's layers and the backend raise
            reason = reason_of(error)
            continue
        _check_finite(subject)
        return subject
    raise LotteryError(
        f"Expected a model that runs on a batch of its input shapes. Received: {reason} "
        "Export it in Python, with a batch that it accepts: kl.export(inputs=...)."
    )


def _check_finite(subject: Subject) -> None:
    outputs = subject.outputs.values()
    if not any(np.isfinite(value.astype(np.float64)).any() for value in outputs):
        raise LotteryError(
            "Expected a model with finite outputs. Received: nothing but NaN and infinities. "
            "Train it again, or export it in Python, with other inputs: kl.export(inputs=...)."
        )
