"""Tracing the dependency graph of a model by calling it on symbolic tensors.

A layer with a rule is one step of the graph. The code of any other layer runs on the symbolic
tensors, and its sublayers and operations become steps. If that fails, its inputs are pinned.
"""

import inspect
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_lottery.compaction import rules
from keras_lottery.compaction.call import Call, Rule, rule_of
from keras_lottery.compaction.graph import Graph, Plan, Size, Value
from keras_lottery.compaction.inputs import input_specs, tried_shapes
from keras_lottery.compaction.rules.elementwise import independent, unary
from keras_lottery.errors import LotteryError, reason_of
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking.paths import layer_paths

__all__ = ["trace"]

_ = rules  # importing them registers the built-in rules


def trace(model: keras.Model) -> Graph:
    """Returns the dependency graph of a built, plain model.

    Args:
        model: the model; unchanged.
    """
    return _Trace(model).run()


class _Reads(keras.StatelessScope):
    """Records the variables that a layer's code reads itself, such as a tied weight."""

    def __init__(self, read: dict[int, str], reader: str) -> None:
        super().__init__()
        self._read = read
        self._reader = reader

    def get_current_value(self, variable: keras.Variable) -> Any:
        self._read[id(variable)] = self._reader
        return super().get_current_value(variable)


class _Trace:
    def __init__(self, model: keras.Model) -> None:
        self.model = model
        self.graph = Graph()
        self.first_inner_unit = 0  # the units before belong to the inputs, which never shrink
        self.read: dict[int, str] = {}  # what else reads a variable, by variable `id`
        self.paths = {id(layer): path for path, layer in layer_paths(model)}

    def run(self) -> Graph:
        specs = input_specs(self.model)
        structure = specs[0] if len(specs) == 1 else specs
        for i, (path, tensor) in enumerate(keras.tree.flatten_with_path(structure)):
            name = "/".join(map(str, path)) or tensor.name or str(i)
            self.graph.inputs.append((name, self._input(tensor)))
        self.first_inner_unit = len(self.graph.units)
        with internals.intercepted(self.layer, self.operation):
            try:
                outputs = self._expand(self.model, tuple(specs), {})
            except LotteryError:  # of a rule
                raise
            except Exception as error:
                raise self._not_symbolic(error) from error
        for tensor in keras.tree.flatten(outputs):
            if id(tensor) in self.graph.values:
                self.graph.pin(self.graph.values[id(tensor)].axes, "output of the model")
        for plan in self.graph.plans.values():
            for slot in plan.slots.values():
                if id(slot.variable) in self.read:
                    self.graph.pin(slot.axes, f"{self.read[id(slot.variable)]} also reads it")
        return self.graph

    def _not_symbolic(self, error: Exception) -> LotteryError:
        tried = tried_shapes(self.model)
        shapes = " or ".join(", ".join(map(str, shapes)) for shapes in tried)
        fixed = ", or give its inputs fixed sizes" if len(tried) > 1 else ""
        return LotteryError(
            "Expected a model whose code runs on symbolic tensors. Received: "
            f"{self.model.name!r}, which doesn't for inputs of shape {shapes} "
            f"({_reason(error)}). Build it from Keras layers and operations of keras.ops{fixed}."
        )

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
            with keras.StatelessScope():  # what the rule reads isn't recorded
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
            reason += f"doesn't run on symbolic tensors: {_reason(error)}"
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
        with _Reads(self.read, self._path(layer)):
            return layer.call(*args, **kwargs)

    def operation(
        self, operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: Any
    ) -> None:
        with keras.StatelessScope():  # what the rule reads isn't recorded
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
            _apply(rule, call)
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
        """Returns the value of a tensor, and anything else as it is.

        The axes of a tensor that isn't symbolic, such as a learned token, keep their size.
        """
        if not _is_tensor(leaf):
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


def _apply(rule: Rule, call: Call) -> None:
    try:
        rule(call)
    except LotteryError:
        raise
    except Exception as error:
        raise LotteryError(
            f"Expected a compaction rule that fits its layer. Received: the rule of {call.path} "
            f"({type(call.operation).__name__}), which fails: {reason_of(error)} Register another "
            "one with register_compaction_rule."
        ) from error


def _is_tensor(leaf: Any) -> bool:
    """Returns True for symbolic tensors, tensors of the backend, variables and arrays."""
    arrays = keras.KerasTensor | keras.Variable | np.ndarray
    return isinstance(leaf, arrays) or bool(keras.ops.is_tensor(leaf))


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


def _reason(error: Exception) -> str:
    return reason_of(error).rstrip(".")
