"""Pooling, padding, cropping and upsampling, which don't change channels."""

import numpy as np
from keras import layers

from keras_lottery.compaction.call import Call, register_compaction_rule
from keras_lottery.compaction.rules.constants import set_output
from keras_lottery.compaction.rules.convolution import channel_axis

__all__: list[str] = []


def pooling(call: Call) -> None:
    _channels(call)


def padding(call: Call) -> None:
    _channels(call, fill=0.0)


def resizing(call: Call) -> None:
    _channels(call, fill=call.layer.fill_value if call.layer.pad_to_aspect_ratio else None)


def _channels(call: Call, fill: float | None = None) -> None:
    """Passes channels on; a constant survives padding if it equals the `fill` value."""
    layer, x = call.layer, call.input
    axis = channel_axis(layer, x)
    for i, ids in enumerate(x.axes):
        if i != axis:
            call.graph.pin((ids,), f"{call.path} pools along this axis")
    along = x.along(axis)
    if fill is not None:
        along = np.where(along == fill, along, np.nan)
    target = axis if len(call.output.shape) == len(x.shape) else 1
    set_output(call.output, {target: x.axes[axis]}, along)


for _kind in ("Max", "Average"):
    for _rank in (1, 2, 3):
        register_compaction_rule(getattr(layers, f"{_kind}Pooling{_rank}D"), pooling)
        register_compaction_rule(getattr(layers, f"Global{_kind}Pooling{_rank}D"), pooling)
register_compaction_rule(layers.Resizing, resizing)
register_compaction_rule(layers.CenterCrop, pooling)
for _rank in (1, 2, 3):
    register_compaction_rule(getattr(layers, f"UpSampling{_rank}D"), pooling)
    register_compaction_rule(getattr(layers, f"Cropping{_rank}D"), pooling)
    register_compaction_rule(getattr(layers, f"ZeroPadding{_rank}D"), padding)
