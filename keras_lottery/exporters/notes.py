"""What a user should know about an artifact, as notes of its report."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_lottery.exporters.exporter import Reloaded, Subject
from keras_lottery.exporters.verify import output_difference

_CONSTANT = (
    "The network gives the same output for every input that was tried. If it was pruned, train it "
    "again, or prune less."
)


def notes_on(
    subject: Subject, reloaded: Reloaded, quantization: str, left_out: Sequence[str]
) -> Iterator[str]:
    """Yields notes on the outputs of an artifact.

    Args:
        subject: the user's model's inputs and outputs.
        reloaded: those of the artifact.
        quantization: what quantized it, if anything.
        left_out: arguments of the model's call that the signature leaves at their default.
    """
    if _is_constant(subject):
        yield _CONSTANT
    if left_out:
        yield (
            f"Exported with the default of {', '.join(left_out)}. If the model is called with it, "
            "pass inputs= as a dict with the names of the call's arguments."
        )
    if quantization and not any("int8" in v.dtype for v in reloaded.variables):
        yield f"{quantization} quantized nothing."
    elif quantization and reloaded.outputs is not None:
        changed, largest = output_difference(subject.outputs, reloaded.outputs)
        yield f"int8 changes an output by {changed:.1e} at most; the largest is {largest:.1e}."


def _is_constant(subject: Subject) -> bool:
    """Returns whether different examples of the batch have the same outputs."""

    def same(arrays: Iterable[NDArray[Any]]) -> bool:
        return all(np.array_equal(a, np.broadcast_to(a[:1], a.shape)) for a in arrays if a.ndim)

    outputs = [value for value in subject.outputs.values() if value.ndim]
    return bool(outputs) and same(outputs) and not same(subject.inputs.values())
