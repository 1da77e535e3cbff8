"""Dense, EinsumDense and Embedding."""

import math
from typing import Any

import numpy as np
from keras import layers

from keras_lottery.compaction.call import Call, register_compaction_rule
from keras_lottery.compaction.graph import Size
from keras_lottery.compaction.rules.constants import activate, set_output

__all__: list[str] = []


def dense(call: Call) -> None:
    layer, x = call.layer, call.input
    units = call.units("units", layer.units)
    call.resize(lambda size: {"units": size(units, layer.units)})
    call.plan.bias = {"use_bias": True}
    total = call.kernel(
        "kernel",
        (x.axes[-1], units),
        reads={0: x.along(-1)},
        makes=(1,),
        bias="bias",
        uses=math.prod(x.shape[1:-1]),
    )
    bias = call.weight("bias", (units,), makes=(0,))
    call.output.axes = (*x.axes[:-1], units)
    set_output(call.output, {-1: units}, total if bias is None else total + bias)
    activate(call, call.output, layer.activation)


def einsum_dense(call: Call) -> None:
    layer, x = call.layer, call.input
    source, kernel, target = _letters(layer.equation, len(x.shape), len(call.output.shape))
    units = {
        letter: call.units(letter, int(layer.kernel.shape[kernel.index(letter)]))
        for letter in kernel
        if letter not in source
    }
    units |= {letter: ids for letter, ids in zip(source, x.axes) if ids is not None}
    summed = tuple(ids for a, ids in zip(source, x.axes) if a not in kernel and a not in target)
    call.graph.pin(summed, f"{call.path} sums over it")
    reads = tuple(i for i, letter in enumerate(kernel) if letter in source)
    makes = tuple(i for i, letter in enumerate(kernel) if letter in target)
    axes = tuple(units.get(letter) for letter in kernel)
    weight = call.weight("kernel", axes, makes)
    along = x.along(*(source.index(kernel[i]) for i in reads))
    constant = along.reshape([s if i in reads else 1 for i, s in enumerate(layer.kernel.shape)])
    fresh = "".join(letter for letter in target if letter in kernel)
    simple = layer.bias is None or (len(layer.bias.shape) == len(fresh) == len(layer.bias_axes))
    order = tuple(kernel.index(letter) for letter in fresh)
    total = call.products(
        "kernel",
        weight if weight is not None else np.zeros(layer.kernel.shape),
        constant,
        dict.fromkeys(i for i in reads if i not in makes),
        makes,
        bias="bias" if simple else None,
        bias_axes=order,
        uses=math.prod(s for s, a in zip(x.shape, source) if a not in kernel) // x.shape[0],
    )
    call.plan.bias = {"bias_axes": fresh}
    bias_axes = tuple(a for a in target[-len(layer.bias.shape) :]) if layer.bias is not None else ()
    bias = call.weight(
        "bias",
        tuple(
            units.get(a) if size > 1 else None
            for a, size in zip(bias_axes, getattr(layer.bias, "shape", ()))
        ),
        makes=tuple(range(len(bias_axes))),
    )
    call.resize(lambda size: {"output_shape": _output_shape(layer, target, units, size)})
    call.output.axes = tuple(units.get(letter) for letter in target)
    if simple:
        total = _ordered(total, makes, order)
        total = total if bias is None else total + bias
        positions = [target.index(letter) for letter in fresh]
        set_output(call.output, {p: call.output.axes[p] for p in positions}, total)
    activate(call, call.output, layer.activation)


def _ordered(total: Any, makes: tuple[int, ...], order: tuple[int, ...]) -> Any:
    return total.transpose([makes.index(axis) for axis in order])


def _letters(equation: str, input_rank: int, output_rank: int) -> tuple[str, str, str]:
    """Returns the letters of input, kernel and output, with unused letters for `...`."""
    operands, target = equation.replace(" ", "").split("->")
    source, kernel = operands.split(",")
    free = [c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if c not in equation]
    dots = "".join(free[: input_rank - len(source.replace("...", ""))])
    return source.replace("...", dots), kernel, target.replace("...", dots)


def _output_shape(layer: Any, target: str, units: dict[str, Any], size: Size) -> tuple[Any, ...]:
    old = layer.partial_output_shape
    letters = target[-len(old) :]
    return tuple(s if s is None else size(units.get(a), s) for a, s in zip(letters, old))


def embedding(call: Call) -> None:
    layer = call.layer
    units = call.units("units", layer.output_dim)
    call.resize(lambda size: {"output_dim": size(units, layer.output_dim)})
    table = call.weight("embeddings", (None, units), makes=(1,))
    if table is None:
        return
    same = np.where((table == table[:1]).all(axis=0), table[0], np.nan)
    set_output(call.output, {-1: units}, same)
    bound = call.graph.bounds
    bound[id(call.input)] = min(layer.input_dim, bound.get(id(call.input), layer.input_dim))


def position_embedding(call: Call) -> None:
    """KerasHub's table of positions is as wide as the tensor that it is added to."""
    units = call.input.axes[-1]
    call.weight("position_embeddings", (None, units), makes=(1,))
    call.output.axes = (*call.output.axes[:-1], units)


register_compaction_rule(layers.Dense, dense)
register_compaction_rule(layers.EinsumDense, einsum_dense)
register_compaction_rule(layers.Embedding, embedding)
register_compaction_rule("PositionEmbedding", position_embedding)
