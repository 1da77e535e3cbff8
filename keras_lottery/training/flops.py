"""Floating-point operations of a sparse Keras model."""

import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import keras
import numpy as np

from keras_lottery.backend.global_state import replaced_method
from keras_lottery.types import MaskSet

Shape = tuple[int, ...]
Rule = Callable[[Any, Shape, Shape], dict[str, int]]
"""`(layer, input shape, output shape) -> {attribute: uses of each weight by one example}`."""


def uses(model: keras.Model, inputs: Any) -> dict[int, int]:
    """Returns how often an example's forward pass multiplies by each weight of a variable.

    A dense kernel applied to a vector is used once, a convolution kernel once per output position,
    a recurrent kernel once per time step, an embedding (a look-up) never. Layers without a rule in
    `RULES` count as 0.

    Args:
        model: built; run once.
        inputs: a batch of any size.

    Returns:
        `{id(variable): uses}`; a shared layer's uses add up.
    """
    counts: dict[int, int] = {}

    def record(layer: Any, input_shape: Shape, output_shape: Shape) -> None:
        rule = _rule_of(layer)
        if rule is None:
            return
        for attribute, count in rule(layer, input_shape, output_shape).items():
            variable = _attribute(layer, attribute)
            if variable is not None:
                counts[id(variable)] = counts.get(id(variable), 0) + count

    def shapes(layer: Any, inputs: Any, outputs: Any) -> None:
        input_shape, output_shape = _shape(inputs), _shape(outputs)
        if input_shape is not None and output_shape is not None:
            record(layer, input_shape, output_shape)

    with watched(shapes):
        model(inputs, training=False)
    return counts


def flops(uses_of: Mapping[str, int], shapes: Mapping[str, tuple[int, ...]], masks: MaskSet) -> int:
    """Returns twice the multiply-adds of the kept weights; biases and activations are left out.

    Args:
        uses_of: path -> uses of each of the variable's weights.
        shapes: path -> shape of the variable.
        masks: masks of the pruned variables; the others are dense.
    """
    return sum(
        2 * count * int(np.count_nonzero(masks[path]) if path in masks else math.prod(shapes[path]))
        for path, count in uses_of.items()
    )


def _positions(layer: Any, input_shape: Shape, output_shape: Shape) -> int:
    """Returns the number of output positions: every axis but the batch and the channels."""
    channels = 1 if getattr(layer, "data_format", "") == "channels_first" else -1
    return math.prod(np.delete(output_shape, [0, channels]).tolist())


def _dense(layer: Any, input_shape: Shape, output_shape: Shape) -> dict[str, int]:
    return {"kernel": math.prod(output_shape[1:-1])}


def _einsum_dense(layer: Any, input_shape: Shape, output_shape: Shape) -> dict[str, int]:
    """A weight is used once per index of the input axes that the kernel doesn't have."""
    operands = layer.equation.replace(" ", "").split("->")[0]
    axes, kernel = operands.split(",")
    named = axes.replace("...", "")
    before, _, after = axes.partition("...")
    sizes = dict(zip(before, input_shape, strict=False))
    sizes |= dict(zip(reversed(after), reversed(input_shape), strict=False))
    free = math.prod(sizes[axis] for axis in named if axis not in kernel)
    if "..." in axes:
        free *= math.prod(input_shape[len(before) : len(input_shape) - len(after)])
    return {"kernel": free // input_shape[0]}


def _conv(layer: Any, input_shape: Shape, output_shape: Shape) -> dict[str, int]:
    positions = _positions(layer, input_shape, output_shape)
    return {"kernel": positions, "depthwise_kernel": positions, "pointwise_kernel": positions}


def _conv_transpose(layer: Any, input_shape: Shape, output_shape: Shape) -> dict[str, int]:
    return {"kernel": _positions(layer, output_shape, input_shape)}


def _reversible(layer: Any, input_shape: Shape, output_shape: Shape) -> dict[str, int]:
    """A look-up is free; in reverse, from vectors to logits, the table is a dense kernel."""
    if len(output_shape) > len(input_shape):
        return {}
    used = "embeddings" if layer.tie_weights else "reverse_embeddings"
    return {used: math.prod(output_shape[1:-1])}


def _recurrent(layer: Any, input_shape: Shape, output_shape: Shape) -> dict[str, int]:
    return {"cell.kernel": input_shape[1], "cell.recurrent_kernel": input_shape[1]}


def _convolutional_recurrent(layer: Any, input_shape: Shape, output_shape: Shape) -> dict[str, int]:
    last = None if layer.cell.data_format == "channels_first" else -1
    count = input_shape[1] * math.prod(output_shape[:last][-layer.cell.rank :])
    return {"cell.kernel": count, "cell.recurrent_kernel": count}


def _each_step(layer: Any, input_shape: Shape, output_shape: Shape) -> dict[str, int]:
    """Keras calls the inner layer without its hooks, once for each step."""
    steps = input_shape[1]
    shapes = [(shape[0], *shape[2:]) for shape in (input_shape, output_shape)]
    rule = _rule_of(layer.layer)
    uses_of = rule(layer.layer, *shapes) if rule else {}
    return {f"layer.{attribute}": steps * count for attribute, count in uses_of.items()}


def _rule_of(layer: Any) -> Rule | None:
    return next((RULES[c.__name__] for c in type(layer).__mro__ if c.__name__ in RULES), None)


RULES: dict[str, Rule] = {
    "Dense": _dense,
    "EinsumDense": _einsum_dense,
    "BaseConv": _conv,
    "BaseDepthwiseConv": _conv,
    "BaseSeparableConv": _conv,
    "BaseConvTranspose": _conv_transpose,
    "ReversibleEmbedding": _reversible,
    "RNN": _recurrent,
    "ConvLSTM": _convolutional_recurrent,
    "TimeDistributed": _each_step,
}
"""Rules by class name; a layer uses the rule of its nearest base class that has one."""


def _attribute(layer: Any, path: str) -> Any:
    for name in path.split("."):
        layer = getattr(layer, name, None)
    return layer


def watched(record: Callable[[Any, Any, Any], None]) -> AbstractContextManager[None]:
    """Calls `record(layer, inputs, outputs)` for every layer that this thread runs meanwhile."""

    def call(plain: Callable[..., Any], layer: Any, *args: Any, **kwargs: Any) -> Any:
        outputs = plain(layer, *args, **kwargs)
        if args:
            record(layer, args[0], outputs)
        return outputs

    return replaced_method(keras.layers.Layer, "__call__", call)


def _shape(value: Any) -> Shape | None:
    leaves = keras.tree.flatten(value)
    shape = getattr(leaves[0], "shape", None) if leaves else None
    return None if shape is None else tuple(int(size) for size in shape)
