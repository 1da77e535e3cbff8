"""Attention loses whole heads; embeddings that also compute logits keep their size."""

import math
from typing import Any

import numpy as np
from keras import layers

from keras_lottery.compaction.call import Call, register_compaction_rule
from keras_lottery.compaction.graph import Size, Value
from keras_lottery.compaction.rules.constants import set_output
from keras_lottery.compaction.units import Ids
from keras_lottery.masking import keras_internals as internals

__all__: list[str] = []


def multi_head_attention(call: Call) -> None:
    layer = call.layer
    heads = call.units("heads", layer.num_heads)
    shape = internals.projection(layer, "output").kernel.shape
    outputs = call.units("outputs", int(shape[-1]))
    query = call.arguments["query"]
    _project(call, heads, heads, outputs)

    def resize(size: Size) -> dict[str, Any]:
        changes: dict[str, Any] = {"num_heads": size(heads, layer.num_heads)}
        remaining = size(outputs, len(outputs))
        if remaining != size(query.axes[-1], query.shape[-1]) or internals.sets_output_shape(layer):
            changes["output_shape"] = remaining
        return changes

    call.resize(resize)
    if len(shape) != 3:
        call.graph.pin((outputs,), f"{call.path} has outputs of several axes")
    if len(call.outputs) > 1 and len(call.outputs[1].shape) == 4:
        set_output(call.outputs[1], {1: heads}, None)


def grouped_query_attention(call: Call) -> None:
    layer = call.layer
    groups = call.units("groups", layer.num_key_value_heads)
    heads = np.repeat(groups, layer.num_query_heads // layer.num_key_value_heads)
    outputs = call.units("outputs", int(internals.projection(layer, "output").kernel.shape[-1]))
    call.couple(outputs, call.arguments["query"].axes[-1])  # Keras requires equal sizes
    _project(call, heads, groups, outputs)
    call.resize(
        lambda size: {
            "num_query_heads": size(heads, layer.num_query_heads),
            "num_key_value_heads": size(groups, layer.num_key_value_heads),
        }
    )
    if len(call.outputs) > 1:
        set_output(call.outputs[1], {1: heads}, None)


def _project(call: Call, heads: Ids, groups: Ids, outputs: Ids) -> None:
    """Declares the projections in the order of computation."""
    query, value = call.arguments["query"], call.arguments["value"]
    key = call.arguments.get("key")
    key = value if key is None else key
    values = None
    for name, source, ids in (
        ("query", query, heads),
        ("key", key, groups),
        ("gate", query, heads),
        ("value", value, groups),
    ):
        if internals.projection(call.layer, name) is not None:
            values = _projection(call, internals.projection_name(name), source, ids)
    along = _heads(call, values, len(heads))
    output = internals.projection_name("output")
    shape = internals.projection(call.layer, "output").kernel.shape
    axes = (heads, None, *[None] * (len(shape) - 3), outputs)
    last = len(axes) - 1
    weight = call.weight(f"{output}.kernel", axes, makes=(last,))
    bias = call.weight(f"{output}.bias", axes[2:], makes=(last - 2,))
    if weight is None or weight.ndim != 3:
        return
    uses = math.prod(query.shape[1:-1])
    fold = None if bias is None else f"{output}.bias"
    total = call.products(f"{output}.kernel", weight, along, {0: None}, (2,), bias=fold, uses=uses)
    set_output(call.output, {-1: outputs}, total if bias is None else total + bias)


def _projection(call: Call, name: str, source: Value, ids: Ids) -> Any:
    """Declares a projection to heads; returns its constants, shape `(heads, head size)`."""
    bias = call.weight(f"{name}.bias", (ids, None), makes=(0,))
    total = call.kernel(
        f"{name}.kernel",
        (source.axes[-1], ids, None),
        reads={0: source.along(-1)},
        makes=(1, 2),
        bias=f"{name}.bias" if bias is not None else None,
        uses=math.prod(source.shape[1:-1]),
    )
    return total if bias is None else total + bias


def gemma_attention(call: Call) -> None:
    """KerasHub's Gemma reshapes to the numbers of heads in its attributes."""
    layer, x = call.layer, call.input
    groups = call.units("groups", layer.num_key_value_heads)
    heads = np.repeat(groups, layer.num_query_heads // layer.num_key_value_heads)
    source, outputs = x.axes[-1], call.units("outputs", x.shape[-1])
    call.couple(outputs, source)  # its constructor knows one width
    uses = math.prod(x.shape[1:-1])
    total: Any = None
    for name, ids in (("query", heads), ("key", groups), ("value", groups)):
        total = call.kernel(
            f"{name}_dense.kernel",
            (ids, source, None),
            reads={1: x.along(-1)},
            makes=(0, 2),
            uses=uses,
        )
    axes = (heads, None, outputs)
    weight = call.weight("output_dense.kernel", axes, makes=(2,))
    if weight is not None:
        along = _heads(call, total, len(heads))
        call.products("output_dense.kernel", weight, along, {0: None}, (2,), uses=uses)
    set_output(call.output, {-1: outputs}, None)
    call.resize(
        lambda size: {
            "num_query_heads": size(heads, layer.num_query_heads),
            "num_key_value_heads": size(groups, layer.num_key_value_heads),
        }
    )
    if not layer.query_head_dim_normalize:
        call.graph.pin((groups,), f"{call.path} scales queries by its number of heads")


def _heads(call: Call, values: Any, count: int) -> Any:
    """Heads with constant values have constant outputs, unless a gate scales them."""
    values = np.repeat(values, count // len(values), axis=0)
    if internals.projection(call.layer, "gate") is not None:
        values = np.where(values == 0, 0.0, np.nan)
    return values[:, :, None]


def reversible_embedding(call: Call) -> None:
    layer = call.layer
    units = call.units("units", layer.output_dim)
    call.resize(lambda size: {"output_dim": size(units, layer.output_dim)})
    table = call.weight("embeddings", (None, units), makes=(1,))
    if call.arguments.get("reverse") or not layer.tie_weights:
        call.pin(f"{call.path} turns it into logits")
        call.graph.pin((units,), f"{call.path} turns it into logits")
        return
    if table is not None:
        set_output(call.output, {-1: units}, np.full(len(units), np.nan))
    bounds = call.graph.bounds
    bounds[id(call.input)] = min(layer.input_dim, bounds.get(id(call.input), layer.input_dim))


register_compaction_rule(layers.MultiHeadAttention, multi_head_attention)
register_compaction_rule("CachedMultiHeadAttention", multi_head_attention)
register_compaction_rule(layers.GroupQueryAttention, grouped_query_attention)
register_compaction_rule("CachedGemmaAttention", gemma_attention)
register_compaction_rule("ReversibleEmbedding", reversible_embedding)
