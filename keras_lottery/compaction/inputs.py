"""Symbolic inputs of a model, with sizes for the axes that its inputs leave open."""

from contextlib import suppress
from functools import partial
from typing import Any

import keras

from keras_lottery.errors import LotteryError
from keras_lottery.masking import keras_internals as internals

__all__ = ["input_specs", "tried_shapes"]

_SIZES = ((32, 8), (128, 64), (256, 512))  # for unknown axes of (images, sequences), in this order
_BATCH = 2  # if the model has no fixed batch size


def input_specs(model: keras.Model) -> Any:
    """Returns symbolic inputs with concrete shapes, in the structure of the model's inputs.

    Raises:
        LotteryError: the model's input shapes are unknown.
    """
    choices = _choices(model)
    if len(choices) == 1:
        return choices[0]
    for specs in choices:
        with suppress(Exception):  # whatever a layer raises if an axis is too short
            model.compute_output_spec(specs)
            return specs
    return choices[0]


def tried_shapes(model: keras.Model) -> list[list[tuple[int, ...]]]:
    """Returns the shapes of the inputs in each attempt of `input_specs`, with the batch size."""
    return [_shapes(specs) for specs in _choices(model)]


def _choices(model: keras.Model) -> list[Any]:
    """Returns inputs of several sizes, smallest first, or of one if the model fixes it.

    A model that was built by a call knows the batch size of that call, which few need.
    """
    choices = [_specs(model, sizes, called) for sizes in _SIZES for called in (False, True)]
    return list({str(_shapes(specs)): specs for specs in choices}.values())


def _shapes(specs: Any) -> list[tuple[int, ...]]:
    return [tuple(spec.shape) for spec in keras.tree.flatten(specs)]


def _specs(model: keras.Model, sizes: tuple[int, int], called: bool) -> Any:
    functional = internals.functional_of(model)
    if functional is not None:
        return internals.map_inputs(functional, partial(_concrete, sizes=sizes))
    shapes = internals.built_shapes(model)
    if not shapes:
        raise LotteryError(
            f"Expected a model with known input shapes. Received: {model.name!r}. "
            "Call it on a batch first."
        )
    shape = next(iter(shapes.values()))
    return _from_shapes(shape, model, sizes, called)


def _from_shapes(shape: Any, model: keras.Model, sizes: tuple[int, int], called: bool) -> Any:
    if isinstance(shape, dict):
        return {key: _from_shapes(value, model, sizes, called) for key, value in shape.items()}
    if shape and isinstance(shape[0], tuple | list | dict):
        return type(shape)(_from_shapes(value, model, sizes, called) for value in shape)
    batch, *rest = shape
    dtype = internals.input_dtype(model, shape)
    return _concrete(keras.KerasTensor((batch if called else None, *rest), dtype=dtype), sizes)


def _concrete(tensor: Any, sizes: tuple[int, int]) -> keras.KerasTensor:
    batch, *rest = tensor.shape
    image, steps = sizes
    size = image if len(rest) > 2 else steps
    shape = (batch or _BATCH, *(size if s is None else int(s) for s in rest))
    return keras.KerasTensor(shape, dtype=tensor.dtype, name=tensor.name)
