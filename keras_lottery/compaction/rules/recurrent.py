"""LSTM, GRU, SimpleRNN and Bidirectional: a unit is removed with all its gates."""

import math
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from keras_lottery.compaction.call import Call, register_compaction_rule
from keras_lottery.compaction.graph import Size, Value
from keras_lottery.compaction.rules.constants import set_output
from keras_lottery.compaction.units import Ids, repeat_units

__all__: list[str] = []

_GATES = {layers.LSTM: 4, layers.GRU: 3, layers.SimpleRNN: 1}
_CANDIDATE = {layers.LSTM: 2, layers.GRU: 2, layers.SimpleRNN: 0}  # index of the candidate block


def recurrent(call: Call) -> None:
    layer = call.layer
    units, zero = _cell(call, layer, "")
    call.plan.bias = {"use_bias": True}
    call.resize(lambda size: {"units": size(units, layer.units)})
    for value in call.outputs:
        set_output(value, {-1: units}, zero)
    _initial_state(call, [units] * len(call.outputs))


def bidirectional(call: Call) -> None:
    layer = call.layer
    if not all(type(rnn) in _GATES for rnn in (layer.forward_layer, layer.backward_layer)):
        call.pin()
        return
    forward, zero = _cell(call, layer.forward_layer, "forward_layer.")
    backward, backward_zero = _cell(call, layer.backward_layer, "backward_layer.")
    call.resize(lambda size: _sizes(layer, forward, backward, size))
    call.plan.bias = {}
    if call.arguments.get("initial_state") is not None or layer.forward_layer.return_state:
        call.pin(f"{call.path} exposes its states")
        call.graph.pin((forward, backward), f"{call.path} exposes its states")
        return
    # Keras takes the backward layer for as wide as the forward one.
    units = call.couple(forward, backward)
    if layer.merge_mode == "concat":
        constant = np.concatenate([zero, backward_zero])
        set_output(call.output, {-1: np.concatenate([forward, backward])}, constant)
        return
    if layer.merge_mode is None:
        set_output(call.outputs[0], {-1: forward}, zero)
        set_output(call.outputs[1], {-1: backward}, backward_zero)
        return
    both = zero * backward_zero if layer.merge_mode == "mul" else zero + backward_zero
    set_output(call.output, {-1: units}, both)


def _cell(call: Call, layer: Any, prefix: str) -> tuple[Ids, NDArray[Any]]:
    """Declares a cell's weights; returns its units, and 0 for units that are always 0."""
    x, kind = call.input, next(cls for cls in type(layer).__mro__ if cls in _GATES)
    units = call.units(f"{prefix}units", layer.units)
    gates = repeat_units(units, _GATES[kind])
    after = bool(getattr(layer.cell, "reset_after", False))
    total = call.kernel(
        f"{prefix}cell.kernel",
        (x.axes[-1], gates),
        reads={0: x.along(-1)},
        makes=(1,),
        bias=f"{prefix}cell.bias" if layer.use_bias or not prefix else None,
        bias_index=0 if after else ...,
        uses=math.prod(x.shape[1:-1]),
    )
    bias = call.weight(
        f"{prefix}cell.bias", (None, gates) if after else (gates,), makes=(1 if after else 0,)
    )
    weight = call.weight(f"{prefix}cell.recurrent_kernel", (units, gates), makes=(1,))
    if weight is None:
        return units, np.full(layer.units, np.nan)
    block = slice(_CANDIDATE[kind] * layer.units, (_CANDIDATE[kind] + 1) * layer.units)
    zero = total[block] == 0
    if bias is not None:
        zero &= (np.atleast_2d(bias)[:, block] == 0).all(axis=0)
    zero &= _keeps_zero(layer) and call.arguments.get("initial_state") is None
    while (leaves := zero & (weight[~zero][:, block] != 0).any(axis=0)).any():
        zero &= ~leaves
    constant = np.where(zero, 0.0, np.nan)
    call.products(
        f"{prefix}cell.recurrent_kernel",
        weight,
        constant[:, None],
        {0: None},
        (1,),
        uses=math.prod(x.shape[1:-1]),
    )
    if layer.stateful:
        call.graph.pin((units,), f"{call.path} is stateful")
    return units, constant


def _keeps_zero(layer: Any) -> bool:
    return bool(np.asarray(keras.ops.convert_to_numpy(layer.activation(keras.ops.zeros(1)))) == 0)


def _initial_state(call: Call, units: list[Ids]) -> None:
    for state in keras.tree.flatten(call.arguments.get("initial_state")):
        if isinstance(state, Value):
            call.couple(units[0], state.axes[-1])


def _sizes(layer: Any, forward: Ids, backward: Ids, size: Size) -> dict[str, Any]:
    config = layer.get_config()
    changed = {}
    for name, ids in (("layer", forward), ("backward_layer", backward)):
        entry = {k: v for k, v in config[name].items() if k != "build_config"}
        units = size(ids, len(ids))
        changed[name] = {**entry, "config": {**entry["config"], "units": units}}
    return changed


for _class in _GATES:
    register_compaction_rule(_class, recurrent)
register_compaction_rule(layers.Bidirectional, bidirectional)
