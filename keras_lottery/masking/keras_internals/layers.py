"""Private API of layers and models: the layer tree, changing a built layer, scopes, saved names."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any

import keras
from keras.src.backend.common import global_state
from keras.src.backend.common.variables import AutocastScope
from keras.src.models.functional import Functional
from keras.src.ops.operation import Operation
from keras.src.saving import object_registration, saving_lib, serialization_lib
from keras.src.saving.keras_saveable import KerasSaveable
from keras.src.utils.module_utils import tensorflow as lazy_tensorflow
from keras.src.utils.naming import to_snake_case

from keras_lottery.backend.global_state import replaced_method

# ---- the tree of a model -------------------------------------------------------------------------


def attributes(saveable: KerasSaveable) -> Iterator[tuple[str, Any]]:
    """Yields attributes in the order of Keras' weight files, private ones last."""
    # Keras looks for the names to skip where it doesn't store them, and so makes a layer each time.
    kind = saveable._obj_type()
    names = global_state.get_global_attribute(f"saving_attr_skipset_{kind}")
    if names is not None:
        global_state.set_global_attribute(f"saving_attr_skiplist_{kind}", names)
    return saving_lib._walk_saveable(saveable)


def snake_case(name: str) -> str:
    """Returns a class name as Keras' weight files write it for elements of containers."""
    return str(to_snake_case(name))


def own_variables(layer: keras.Layer) -> list[keras.Variable]:
    """Returns the variables that the layer itself owns."""
    return [*layer._trainable_variables, *layer._non_trainable_variables]


def recurrent_states(layer: keras.Layer) -> list[keras.Variable]:
    """Returns the states that a recurrent layer itself keeps between batches; else none."""
    states = getattr(layer, "states", None) if getattr(layer, "stateful", False) else None
    return [state for state in keras.tree.flatten(states) if isinstance(state, keras.Variable)]


def sublayers(layer: keras.Layer) -> list[keras.Layer]:
    """Returns the layers that `layer` tracks, in the order of assignment."""
    return list(layer._layers)


def flatten_layers(layer: keras.Layer) -> list[keras.Layer]:
    """Returns the layer and all its sublayers, each once."""
    return layer._flatten_layers()


def is_functional(thing: object) -> bool:
    """Returns True for a functional model and its subclasses."""
    return isinstance(thing, Functional)


def is_plain_functional(thing: object) -> bool:
    """Returns True for a functional model of Keras' own classes, whose config lists its layers."""
    return is_functional(thing) and type(thing).__module__.startswith("keras.src.models")


def unpickler(cls: type[keras.Layer]) -> Callable[..., Any]:
    """Returns the function with which Keras pickles and copies layers of a class."""
    function: Callable[..., Any] = cls._unpickle_model
    return function


def is_metric(thing: object) -> bool:
    return isinstance(thing, keras.metrics.Metric)


def producer(tensor: Any) -> tuple[Any, int]:
    """Returns the operation that made a symbolic tensor, and the index of the call."""
    operation, node_index, _ = tensor._keras_history
    return operation, node_index


def inbound_tensors(operation: Any, node_index: int) -> list[Any]:
    """Returns the symbolic inputs of one call of an operation."""
    nodes = operation._inbound_nodes
    return list(nodes[node_index].input_tensors) if node_index < len(nodes) else []


def built_shapes(layer: keras.Layer) -> dict[str, Any]:
    """Returns the shapes that a layer was built with, by argument of `build`."""
    return dict(layer._build_shapes_dict or {})


def input_dtype(model: keras.Model, shape: Any) -> str:
    """Returns the dtype of an input of which Keras records only the shape.

    Integers for sequences of a model that looks up embeddings, else what its variables have: the
    dtype that it computes with, float16 under mixed precision, would round the inputs.
    """
    looks_up = any(isinstance(layer, keras.layers.Embedding) for layer in flatten_layers(model))
    return "int32" if looks_up and len(shape) == 2 else str(model.variable_dtype)


def functional_of(model: Any) -> Any:
    """Returns a functional model, or the one inside a sequential model; None for other layers."""
    if isinstance(model, keras.Sequential):
        return model._functional
    return model if is_functional(model) else None


def map_inputs(functional: Any, function: Callable[[Any], Any]) -> Any:
    """Returns the inputs of a functional model, each passed through a function."""
    return keras.tree.map_structure(function, functional._inputs_struct)


@contextmanager
def intercepted(
    on_layer: Callable[[Any, tuple[Any, ...], dict[str, Any]], Any],
    on_operation: Callable[[Any, tuple[Any, ...], dict[str, Any], Any], None],
) -> Iterator[None]:
    """Passes every symbolic call of a layer or operation to the caller's functions.

    Unlike Keras' own symbolic calls, this adds no nodes to the layers.

    Args:
        on_layer: called as `(layer, args, kwargs)` instead of the layer; returns its outputs.
        on_operation: called as `(operation, args, kwargs, outputs)` after an operation.
    """

    def call(plain: Any, layer: Any, *args: Any, **kwargs: Any) -> Any:
        leaves = keras.tree.flatten((args, kwargs))
        if any(isinstance(leaf, keras.KerasTensor) for leaf in leaves):
            return on_layer(layer, args, kwargs)
        return plain(layer, *args, **kwargs)

    def symbolic(_: Any, operation: Any, *args: Any, **kwargs: Any) -> Any:
        outputs = operation.compute_output_spec(*args, **kwargs)
        on_operation(operation, args, kwargs, outputs)
        return outputs

    with (
        replaced_method(keras.Layer, "__call__", call),
        replaced_method(Operation, "symbolic_call", symbolic),
    ):
        yield


Replacement = Callable[[Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]
"""Called as `(call, args, kwargs)` instead of a layer's `call`; returns its outputs."""


@contextmanager
def replaced_calls(replacements: Mapping[keras.Layer, Replacement]) -> Iterator[None]:
    """Passes every call of some layers to functions, in this order of `with` statements.

    Keras looks up `call` on the layer itself, so an attribute of that name goes first.
    """
    earlier = {layer: layer.__dict__.get("call") for layer in replacements}
    try:
        for layer, replacement in replacements.items():
            object.__setattr__(layer, "call", _replaced(layer.call, replacement))
        yield
    finally:
        for layer, call in earlier.items():
            if call is None:
                layer.__dict__.pop("call", None)
            else:
                object.__setattr__(layer, "call", call)


def _replaced(call: Callable[..., Any], replacement: Replacement) -> Callable[..., Any]:
    @wraps(call)
    def replaced(*args: Any, **kwargs: Any) -> Any:
        return replacement(call, args, kwargs)

    return replaced


# ---- changing a built layer ----------------------------------------------------------------------


def set_class(thing: object, cls: type) -> None:
    """Changes the class of an object, bypassing every `__setattr__` hook."""
    object.__setattr__(thing, "__class__", cls)


@contextmanager
def unlocked(layer: keras.Layer) -> Iterator[None]:
    """Lets a built layer track new variables and sublayers, as Keras' own `enable_lora` does."""
    locked = layer._tracker.locked
    layer._tracker.unlock()
    try:
        yield
    finally:
        if locked:
            layer._tracker.lock()


def retrack(layer: keras.Layer) -> None:
    """Registers variables that were added to built layers with torch."""
    for sublayer in flatten_layers(layer):
        if hasattr(sublayer, "_torch_params"):
            sublayer._track_variables()


def transplant(layer: keras.Layer, donor: keras.Layer) -> None:
    """Gives a layer the whole state of another of its class, in place.

    References to the layer and its nodes in a functional graph stay valid. Call `retrack` on the
    outermost layer afterwards.
    """
    for name in ("_inbound_nodes", "_outbound_nodes"):
        donor.__dict__[name] = layer.__dict__[name]
    object.__setattr__(layer, "__dict__", donor.__dict__)


class BuildHook:
    """Calls `after_build` once a layer is built."""

    def _post_build(self) -> None:
        super()._post_build()  # type: ignore[misc]
        self.after_build()

    def after_build(self) -> None:
        """Runs after the layer is built."""


class LayerHooks(BuildHook):
    """Public names for the private hooks that Keras calls on a layer."""

    name: str

    def _check_quantize_args(self, mode: Any, compute_dtype: Any) -> None:
        raise self.refuse("quantization", "Strip the model first and quantize the plain one.")

    def refuse(self, feature: str, remedy: str) -> Exception:
        """Returns the error for a Keras feature that a masked layer cannot serve."""
        raise NotImplementedError


# ---- scopes --------------------------------------------------------------------------------------


def stateless_scope() -> Any:
    """Returns the innermost active `keras.StatelessScope`, or None."""
    return global_state.get_global_attribute("stateless_scope")


@contextmanager
def use_scope(scope: Any) -> Iterator[None]:
    """Makes `scope` (or None) the active scope, without entering or leaving it."""
    active = stateless_scope()
    global_state.set_global_attribute("stateless_scope", scope)
    try:
        yield
    finally:
        global_state.set_global_attribute("stateless_scope", active)


def float_bits(values: Any) -> Any:
    """Returns the bit patterns of float32 values as int32."""
    if hasattr(keras.ops, "view"):  # new in Keras 3.12
        return keras.ops.view(values, "int32")
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        return tf.bitcast(values, "int32")
    if keras.config.backend() == "torch":
        import torch

        return values.view(torch.int32)
    return values.view("int32")


@contextmanager
def tensorflow_left_out() -> Iterator[None]:
    """Keeps Keras' serialization from importing TensorFlow only to check for TensorFlow's types.

    On another backend the import takes two seconds and 400 MB, and where TensorFlow isn't imported
    nothing is of its types.
    """
    if "tensorflow" in sys.modules or lazy_tensorflow._available is not None:
        yield
        return
    lazy_tensorflow._available = False
    try:
        yield
    finally:
        lazy_tensorflow._available = None


def full_precision() -> Any:
    """Returns a scope that reads variables without autocasting."""
    return AutocastScope(None)


def flush_losses(layer: keras.Layer, losses: Iterable[Any]) -> None:
    """Moves losses that a scope collected to the layers that added them."""
    losses = list(losses)
    if not losses:
        return
    for sublayer in flatten_layers(layer):
        added = [loss for loss in losses if id(loss) in sublayer._loss_ids]
        sublayer._losses.extend(added)
        sublayer._loss_ids.difference_update(map(id, added))


# ---- serialization -------------------------------------------------------------------------------


def class_entry(cls: type) -> dict[str, Any]:
    """Returns the entry of a class in a `.keras` file: module, class name, registered name."""
    entry = serialization_lib.serialize_with_public_class(cls, {})
    return {key: entry[key] for key in ("module", "class_name", "registered_name")}


def name_class(cls: type, registered: str) -> None:
    """Serializes instances of `cls` under the name of a registered class."""
    object_registration.GLOBAL_CUSTOM_NAMES[cls] = registered


def hidden_name(name: str) -> str:
    """Returns the name of an attribute that this package sets on Keras objects."""
    return f"_lottery_{name}"
