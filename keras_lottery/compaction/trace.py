"""Tracing the dependency graph of a model by calling it on symbolic tensors.

A layer with a rule is one step of the graph. The code of any other layer runs on the symbolic
tensors, and its sublayers and operations become steps. If that fails, its inputs are pinned.
"""

import inspect
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import keras

from keras_lottery.compaction import rules
from keras_lottery.compaction.call import Call, rule_of
from keras_lottery.compaction.graph import Graph, Plan, Size, Value
from keras_lottery.compaction.rules.elementwise import independent, unary
from keras_lottery.errors import LotteryError
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking.paths import layer_paths

__all__ = ["input_specs", "trace"]

_ = rules  # importing them registers the built-in rules
_SPATIAL, _STEPS = 32, (8, 64, 512)  # for axes of unknown size; longer if a layer needs it
_BATCH = 2


def input_specs(model: keras.Model) -> Any:
    """Returns symbolic inputs with concrete shapes, in the structure of the model's inputs.

    Raises:
        LotteryError: the model's input shapes are unknown.
    """
    choices = [_specs(model, steps) for steps in _STEPS]
    sizes = [[spec.shape for spec in keras.tree.flatten(specs)] for specs in choices]
    if sizes[0] == sizes[-1]:
        return choices[0]
    for specs in choices:
        with suppress(Exception):  # whatever a layer raises if the sequence is too short
            model.compute_output_spec(specs)
            return specs
    return choices[0]


def _specs(model: keras.Model, steps: int) -> Any:
    functional = internals.functional_of(model)
    if functional is not None:
        return internals.map_inputs(functional, partial(_concrete, steps=steps))
    shapes = internals.built_shapes(model)
    if not shapes:
        raise LotteryError(
            f"Expected a model with known input shapes. Received: {model.name!r}. "
            "Call it on a batch first."
        )
    shape = next(iter(shapes.values()))
    return _from_shapes(shape, model, steps)


def _from_shapes(shape: Any, model: keras.Model, steps: int) -> Any:
    if isinstance(shape, dict):
        return {key: _from_shapes(value, model, steps) for key, value in shape.items()}
    if shape and isinstance(shape[0], tuple | list | dict):
        return type(shape)(_from_shapes(value, model, steps) for value in shape)
    layers = internals.flatten_layers(model)
    looks_up = any(isinstance(layer, keras.layers.Embedding) for layer in layers)
    dtype = "int32" if looks_up and len(shape) == 2 else "float32"
    return _concrete(keras.KerasTensor(tuple(shape), dtype=dtype), steps)


def _concrete(tensor: Any, steps: int) -> keras.KerasTensor:
    size = _SPATIAL if len(tensor.shape) > 3 else steps
    shape = tuple(size if s is None else int(s) for s in tensor.shape[1:])
    return keras.KerasTensor((_BATCH, *shape), dtype=tensor.dtype, name=tensor.name)


def trace(model: keras.Model) -> Graph:
    """Returns the dependency graph of a built, plain model.

    Args:
        model: the model; unchanged.
    """
    return _Trace(model).run()


class _Trace:
    def __init__(self, model: keras.Model) -> None:
        self.model = model
        self.graph = Graph()
        self.first_inner_unit = 0  # the units before belong to the inputs, which never shrink
        self.read: dict[int, str] = {}  # readers without a rule, by variable `id`
        self.paths = {id(layer): path for path, layer in layer_paths(model)}

    def run(self) -> Graph:
        specs = input_specs(self.model)
        for i, (path, tensor) in enumerate(keras.tree.flatten_with_path(specs)):
            name = "/".join(map(str, path)) or tensor.name or str(i)
            self.graph.inputs.append((name, self._input(tensor)))
        self.first_inner_unit = len(self.graph.units)
        with internals.intercepted(self.layer, self.operation):
            try:
                outputs = self._expand(self.model, (specs,), {})
            except Exception as error:
                raise LotteryError(
                    "Expected a model whose code runs on symbolic tensors. Received: "
                    f"{self.model.name!r}, which doesn't ({_first_line(error)}). Build it from "
                    "Keras layers and operations of keras.ops."
                ) from error
        for tensor in keras.tree.flatten(outputs):
            if id(tensor) in self.graph.values:
                self.graph.pin(self.graph.values[id(tensor)].axes, "output of the model")
        for plan in self.graph.plans.values():
            for slot in plan.slots.values():
                if id(slot.variable) in self.read:
                    self.graph.pin(slot.axes, f"{self.read[id(slot.variable)]} also reads it")
        return self.graph

    def _input(self, tensor: Any) -> Value:
        """Pins the units of a model input, and tracks whether they are read for the report."""
        shape = tuple(tensor.shape)
        axes: list[Any] = [None] * len(shape)
        if len(shape) > 1 and "int" not in str(tensor.dtype) and "string" not in str(tensor.dtype):
            first = len(shape) > 2 and keras.config.image_data_format() == "channels_first"
            axis = 1 if first else len(shape) - 1
            axes[axis] = self.graph.units.new(shape[axis])
        value = Value(shape, tuple(axes))
        self.graph.pin(value.axes, "input of the model", read=False)
        self._keep(tensor, value)
        return value

    def _keep(self, tensor: Any, value: Value) -> None:
        self.graph.tensors.append(tensor)  # an id is only unique while its object lives
        self.graph.values[id(tensor)] = value

    def layer(self, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if rule_of(layer) is not None and _is_plain(layer):
            arguments = _bind(layer.call, args, kwargs)
            return self._record(layer, arguments, _output_spec(layer, args, kwargs))
        functional = internals.functional_of(layer)
        if functional is not None:
            self._nested_inputs(functional, args)
        mark = len(self.graph.tensors), len(self.graph.pins), len(self.graph.kernels)
        plans, unknown = dict(self.graph.plans), len(self.graph.unknown)
        try:
            return self._expand(layer, args, kwargs)
        except Exception as error:
            for tensor in self.graph.tensors[mark[0] :]:
                self.graph.values.pop(id(tensor), None)
            del self.graph.pins[mark[1] :], self.graph.kernels[mark[2] :]
            del self.graph.unknown[unknown:]
            self.graph.plans = plans
            reason = f"{self._path(layer)} ({type(layer).__name__}) has no rule and its code "
            reason += f"doesn't run on symbolic tensors: {_first_line(error)}"
            outputs = _output_spec(layer, args, kwargs)
            self.read |= {id(variable): self._path(layer) for variable in layer.variables}
            self._unknown(keras.tree.flatten((args, kwargs)), reason)
            for tensor in keras.tree.flatten(outputs):
                self._keep(tensor, Value(tuple(tensor.shape), (None,) * len(tensor.shape)))
            return outputs

    def _nested_inputs(self, model: Any, args: tuple[Any, ...]) -> None:
        """Gives the input layers of a nested model the units of its arguments."""
        for tensor, leaf in zip(model.inputs, keras.tree.flatten(args)):
            value = self._value(leaf)
            if not isinstance(value, Value) or len(value.shape) != len(tensor.shape):
                continue
            layer, _ = internals.producer(tensor)
            known = self.graph.plans.setdefault(id(layer), Plan(self._path(layer), layer))
            if known.inputs:
                call = Call(self.graph, layer, known.path, {}, [], self._inside)
                for first, second in zip(known.inputs["inputs"].axes, value.axes):
                    if first is not second:
                        call.couple(first, second)
                continue
            known.inputs["inputs"] = value
            known.resize = _input_sizes(layer, value)

    def _expand(self, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        kwargs = _accepted(layer.call, kwargs)
        signature = inspect.signature(layer.call)
        if "training" in signature.parameters:
            bound = signature.bind_partial(*args, **kwargs)
            if bound.arguments.get("training") is None:
                bound.arguments["training"] = False
            args, kwargs = bound.args, bound.kwargs
        return layer.call(*args, **kwargs)

    def operation(
        self, operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: Any
    ) -> None:
        self._record(operation, _bind(operation.call, args, kwargs), outputs)

    def _record(self, operation: Any, arguments: dict[str, Any], outputs: Any) -> Any:
        tensors = keras.tree.flatten(outputs)
        values = [Value(tuple(t.shape), (None,) * len(t.shape)) for t in tensors]
        for leaf in keras.tree.flatten(arguments):
            if isinstance(leaf, keras.Variable):
                self.read[id(leaf)] = self._path(operation)
        arguments = keras.tree.map_structure(self._value, arguments)
        call = Call(self.graph, operation, self._path(operation), arguments, values, self._inside)
        rule = rule_of(operation)
        if rule is not None:
            rule(call)
        elif not unary(call) and not independent(call):
            call.without_rule = True
        if call.without_rule:
            kind = type(operation).__name__
            self._unknown(call.inputs, f"{call.path} ({kind}) has no rule")
        for tensor, value in zip(tensors, values):
            self._keep(tensor, value)
        return outputs

    def _inside(self, layer: Any, part: Value, times: int) -> Value:
        before = {id(kernel): kernel.uses for kernel in self.graph.kernels}
        tensor = keras.KerasTensor(part.shape)
        self._keep(tensor, part)
        output = self._value(self.layer(layer, (tensor,), {}))
        for kernel in self.graph.kernels:
            uses = before.get(id(kernel), 0)
            kernel.uses = uses + times * (kernel.uses - uses)
        return output

    def _value(self, leaf: Any) -> Any:
        if not isinstance(leaf, keras.KerasTensor):
            return leaf
        known = self.graph.values.get(id(leaf))
        return known or Value(tuple(leaf.shape), (None,) * len(leaf.shape))

    def _unknown(self, leaves: list[Any], reason: str) -> None:
        values = [self._value(leaf) for leaf in leaves]
        axes = [ids for v in values if isinstance(v, Value) for ids in v.axes if ids is not None]
        movable = [ids for ids in axes if ids.max() >= self.first_inner_unit]
        if movable:
            self.graph.pin(tuple(movable), reason)
            self.graph.unknown.append(reason)

    def _path(self, operation: Any) -> str:
        return self.paths.get(id(operation)) or str(operation.name)


def _input_sizes(layer: Any, value: Value) -> Callable[[Size], dict[str, Any]]:
    def sizes(size: Size) -> dict[str, Any]:
        axes = zip(layer.batch_shape, value.axes)
        return {
            "batch_shape": tuple(n if n is None or ids is None else size(ids, n) for n, ids in axes)
        }

    return sizes


def _is_plain(layer: Any) -> bool:
    return getattr(layer, "quantization_mode", None) is None and not getattr(
        layer, "lora_enabled", False
    )


def _output_spec(layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    for function in (layer.call, layer.compute_output_spec):
        kwargs = _accepted(function, kwargs)
    outputs = layer.compute_output_spec(*args, **kwargs)
    if all(None not in tensor.shape for tensor in keras.tree.flatten(outputs)):
        return outputs
    # EinsumDense returns None for axes that are None in its config.
    args, kwargs = keras.tree.map_structure(_zeros, (args, kwargs))
    results = layer.call(*args, **kwargs)
    return keras.tree.map_structure(lambda t: keras.KerasTensor(tuple(t.shape)), results)


def _zeros(leaf: Any) -> Any:
    return keras.ops.zeros(leaf.shape, leaf.dtype) if isinstance(leaf, keras.KerasTensor) else leaf


def _accepted(function: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Returns the keyword arguments that a function accepts."""
    names = inspect.signature(function).parameters
    accepts_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in names.values())
    return kwargs if accepts_all else {k: v for k, v in kwargs.items() if k in names}


def _bind(call: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    return dict(inspect.signature(call).bind(*args, **_accepted(call, kwargs)).arguments)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
