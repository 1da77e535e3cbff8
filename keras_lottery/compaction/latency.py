"""Latencies of models, measured alternately."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import keras
import numpy as np

from keras_lottery.backend.compile import compiled
from keras_lottery.compaction.inputs import input_specs

__all__ = ["latencies"]

_SECONDS = 0.4
_LEAST, _MOST = 5, 200


def latencies(models: Sequence[keras.Model], batch_size: int) -> list[float]:
    """Returns the median seconds of a compiled forward pass of each model.

    The models run in turn, so that other load on the machine affects all of them. Their inputs
    are random; input axes of unknown size count as in `compaction_report`.

    Args:
        models: built models with equal inputs.
        batch_size: examples per forward pass.
    """
    batch = _batch(models[0], batch_size)
    programs = [compiled(partial(_forward, model), model.variables) for model in models]
    for program in programs:
        _run(program, batch)  # compiles it
    seconds: list[list[float]] = [[] for _ in programs]
    until = time.perf_counter() + _SECONDS * len(programs)
    while (count := len(seconds[0])) < _LEAST or (count < _MOST and time.perf_counter() < until):
        for program, measured in zip(programs, seconds):
            began = time.perf_counter()
            _run(program, batch)
            measured.append(time.perf_counter() - began)
    return [float(np.median(measured)) for measured in seconds]


def _forward(model: keras.Model, arguments: list[Any]) -> Any:
    return model(*arguments, training=False)


def _run(program: Callable[[Any], Any], batch: Any) -> None:
    for output in keras.tree.flatten(program(batch)):
        keras.ops.convert_to_numpy(output)  # waits for the device


def _batch(model: keras.Model, size: int) -> list[Any]:
    rng = np.random.default_rng(0)

    def draw(spec: Any) -> Any:
        shape = (size, *spec.shape[1:])
        # Zero is an index that every embedding has.
        values = rng.normal(size=shape) if "float" in str(spec.dtype) else np.zeros(shape)
        return keras.ops.convert_to_tensor(values, spec.dtype)

    arguments: list[Any] = keras.tree.map_structure(draw, input_specs(model))
    return arguments
