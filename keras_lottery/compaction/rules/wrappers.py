"""Wrappers that apply a layer to each part of their input."""

from keras import layers

from keras_lottery.compaction.call import Call, register_compaction_rule
from keras_lottery.compaction.graph import Value

__all__: list[str] = []


def time_distributed(call: Call) -> None:
    x = call.input
    call.graph.pin((x.axes[1],), f"{call.path} runs over it")
    constant = x.constant
    if constant is not None:
        constant = constant[:, 0] if constant.shape[1] == 1 else None
    shape, axes = (x.shape[0], *x.shape[2:]), (x.axes[0], *x.axes[2:])
    step = call.inside(call.layer.layer, Value(shape, axes, constant), x.shape[1])
    call.output.axes = (step.axes[0], None, *step.axes[1:])
    if step.constant is not None:
        call.output.constant = step.constant[:, None]


register_compaction_rule(layers.TimeDistributed, time_distributed)
