"""Comparing a model with its compacted copy on random batches."""

from typing import Any

import keras
import numpy as np

from keras_lottery.backend import full_precision
from keras_lottery.compaction.graph import Graph
from keras_lottery.compaction.inputs import input_specs
from keras_lottery.errors import LotteryError, reason_of
from keras_lottery.masking import keras_internals as internals

__all__ = ["check_equal"]

_BATCHES = 2
TOLERANCE = {"float16": 2e-2, "bfloat16": 1e-1}
"""Allowed difference relative to the largest output, by lowest compute dtype; otherwise 1e-5."""


_ORIGINAL = (
    "Expected a model that runs on random inputs",
    "Check that the model itself can be called on a batch",
)
_SMALLER = (
    "Expected a smaller model that runs",
    "A layer's code depends on a size that changed: register a compaction rule for it",
)


def check_equal(model: keras.Model, small: keras.Model, graph: Graph) -> float:
    """Returns the largest difference of the outputs, relative to the largest output.

    Raises:
        LotteryError: it exceeds the tolerance: 1e-5, or more in half precision.
    """
    layers = internals.flatten_layers(model)
    tolerance = max(TOLERANCE.get(str(layer.compute_dtype), 1e-5) for layer in layers)
    worst = 0.0
    rng = np.random.default_rng(0)
    specs = input_specs(model)
    for _ in range(_BATCHES):
        batch = _random(specs, graph, rng)
        tensors = keras.tree.map_structure(_tensor, batch)
        outputs = [_run(model, tensors, _ORIGINAL), _run(small, tensors, _SMALLER)]
        pairs = zip(*(keras.tree.flatten_with_path(output) for output in outputs))
        for i, ((path, expected), (_, received)) in enumerate(pairs):
            name = "/".join(map(str, path)) or str(i)
            worst = max(worst, _difference(name, _numpy(expected), _numpy(received), tolerance))
    return worst


def _run(model: keras.Model, tensors: list[Any], texts: tuple[str, str]) -> Any:
    try:
        # A GPU's fast products would round a folded constant; the model's own states stay.
        with full_precision(), keras.StatelessScope():
            return model(*tensors, training=False)
    except Exception as error:
        first = str(error).partition("\n")[0]
        layer = f"{first} " if first.startswith("Exception encountered when calling") else ""
        reason = f"{layer}{reason_of(error)}"
        raise LotteryError(f"{texts[0]}. Received: an error ({reason}) {texts[1]}.") from error


def _difference(name: str, expected: Any, received: Any, tolerance: float) -> float:
    if expected.shape != received.shape:
        raise LotteryError(
            f"Expected outputs of shape {expected.shape}. Received: {received.shape} for output "
            f"{name}. A compaction rule is wrong: register another one for the affected layers."
        )
    if not expected.size:
        return 0.0
    difference = np.abs(expected - received)
    same = np.isnan(expected) & np.isnan(received) | (expected == received)
    difference = np.where(same, 0.0, difference)
    scale = np.abs(expected[np.isfinite(expected)]).max(initial=0.0)
    relative = float(difference.max() / scale) if scale > 0 else float(difference.max())
    if not relative <= tolerance:
        where = np.unravel_index(
            int(np.nan_to_num(difference, nan=np.inf).argmax()), difference.shape
        )
        index = tuple(int(i) for i in where)
        raise LotteryError(
            f"Expected equal outputs, to {tolerance:g} of the largest. Received: a difference of "
            f"{relative:.2g} in output {name}, largest at index {index} ({expected[where]:.6g} "
            f"became {received[where]:.6g}). A layer's code may depend on a size that changed: "
            "register a compaction rule for it. Or its config lacks a setting: add it to "
            "get_config."
        )
    return relative


def _random(specs: Any, graph: Graph, rng: np.random.Generator) -> Any:
    bounds = iter([graph.bounds.get(id(value), 2) for _, value in graph.inputs])

    def draw(spec: Any) -> Any:
        bound = next(bounds)
        if "int" in str(spec.dtype):
            return rng.integers(0, bound, spec.shape).astype(spec.dtype)
        if "string" in str(spec.dtype):
            return rng.choice(["a", "b c", "d e f"], spec.shape)
        if "bool" in str(spec.dtype):
            return rng.random(spec.shape) < 0.5
        return rng.normal(size=spec.shape).astype("float32")

    return keras.tree.map_structure(draw, specs)


def _tensor(array: Any) -> Any:
    return keras.ops.convert_to_tensor(array)


def _numpy(tensor: Any) -> Any:
    return np.asarray(
        keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32")), dtype="float64"
    )
