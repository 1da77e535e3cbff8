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


def input_specs(model: keras.Model) -> list[Any]:
    """Returns the positional arguments of a call: symbolic inputs with concrete shapes.

    Most models have one argument, which can be a list or a dict.

    Raises:
        LotteryError: the model's input shapes are unknown.
    """
    choices = _choices(model)
    if len(choices) == 1:
        return choices[0]
    for specs in choices:
        with suppress(Exception):  # whatever a layer raises if an axis is too short
            model.compute_output_spec(*specs)
            return specs
    return choices[0]


def tried_shapes(model: keras.Model) -> list[list[tuple[int, ...]]]:
    """Returns the shapes of the inputs in each attempt of `input_specs`, with the batch size."""
    return [_shapes(specs) for specs in _choices(model)]


def _choices(model: keras.Model) -> list[list[Any]]:
    """Returns arguments of several sizes, smallest first, or of one if the model fixes it.

    A model that was built by a call knows the batch size of that call, which few need.
    """
    functional = internals.functional_of(model)
    batches = (True,) if functional is not None else (False, True)
    if functional is not None:
        arguments = [internals.map_inputs(functional, lambda tensor: tensor)]
    else:
        arguments = _called_with(model)
    choices = [
        keras.tree.map_structure(partial(_concrete, sizes=sizes, fixed=fixed), arguments)
        for sizes in _SIZES
        for fixed in batches
    ]
    return list({str(_shapes(specs)): specs for specs in choices}.values())


def _shapes(specs: Any) -> list[tuple[int, ...]]:
    return [tuple(spec.shape) for spec in keras.tree.flatten(specs)]


def _called_with(model: keras.Model) -> list[Any]:
    """Returns symbolic arguments of the shapes that a model was built with."""
    shapes = internals.built_shapes(model)
    if not shapes:
        raise LotteryError(
            f"Expected a model with known input shapes. Received: {model.name!r}. "
            "Call it on a batch first."
        )
    return [_from_shapes(shape, model) for shape in shapes.values() if shape is not None]


def _from_shapes(shape: Any, model: keras.Model) -> Any:
    if isinstance(shape, dict):
        return {key: _from_shapes(value, model) for key, value in shape.items()}
    if shape and isinstance(shape[0], tuple | list | dict):
        return type(shape)(_from_shapes(value, model) for value in shape)
    return keras.KerasTensor(tuple(shape), dtype=internals.input_dtype(model, shape))


def _concrete(tensor: Any, sizes: tuple[int, int], fixed: bool) -> keras.KerasTensor:
    batch, *rest = tensor.shape
    image, steps = sizes
    size = image if len(rest) > 2 else steps
    batch = (batch if fixed else None) or _BATCH
    shape = (batch, *(size if s is None else int(s) for s in rest))
    return keras.KerasTensor(shape, dtype=tensor.dtype, name=tensor.name)
