"""Everything that leans on Keras' private parts; the test beside it fails loudly when they move."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
from keras.src.backend.common import global_state
from keras.src.backend.common.variables import AutocastScope
from keras.src.models.functional import Functional
from keras.src.ops.operation import Operation
from keras.src.saving import object_registration, saving_lib, serialization_lib
from keras.src.saving.keras_saveable import KerasSaveable
from keras.src.trainers.compile_utils import CompileMetrics
from keras.src.utils.naming import to_snake_case

__all__ = [
    "BuildHook",
    "KerasSaveable",
    "LayerHooks",
    "applying_optimizer",
    "attributes",
    "batches_per_update",
    "built_shapes",
    "class_entry",
    "clip_sums",
    "compiled_metrics",
    "flatten_layers",
    "flush_losses",
    "forget_variables",
    "full_precision",
    "functional_of",
    "hidden_name",
    "inbound_tensors",
    "innermost",
    "intercepted",
    "is_functional",
    "is_metric",
    "iterations",
    "map_inputs",
    "metric_direction",
    "name_class",
    "optimized_variables",
    "own_variables",
    "producer",
    "remake_functions",
    "resumed_epoch",
    "retrack",
    "set_class",
    "snake_case",
    "stateless_scope",
    "sublayers",
    "sync_trainer",
    "transplant",
    "unlocked",
    "use_scope",
]

# ---- the tree of a model -----------------------------------------------------------------------


def attributes(saveable: KerasSaveable) -> Iterator[tuple[str, Any]]:
    """Yields attributes in the order in which Keras' weight files visit them, private ones last."""
    return saving_lib._walk_saveable(saveable)


def snake_case(name: str) -> str:
    """Returns the name that an element of a container has in Keras' weight files."""
    return str(to_snake_case(name))


def own_variables(layer: keras.Layer) -> list[keras.Variable]:
    """Returns the variables that the layer itself owns."""
    return [*layer._trainable_variables, *layer._non_trainable_variables]


def sublayers(layer: keras.Layer) -> list[keras.Layer]:
    """Returns the layers that `layer` tracks, in the order in which it was given them."""
    return list(layer._layers)


def flatten_layers(layer: keras.Layer) -> list[keras.Layer]:
    """Returns the layer and all below it, each once."""
    return layer._flatten_layers()


def is_functional(thing: object) -> bool:
    """Returns True for a functional model and its subclasses."""
    return isinstance(thing, Functional)


def is_metric(thing: object) -> bool:
    return isinstance(thing, keras.metrics.Metric)


def producer(tensor: Any) -> tuple[Any, int]:
    """Returns the operation that made a symbolic tensor, and which of its calls did."""
    operation, node_index, _ = tensor._keras_history
    return operation, node_index


def inbound_tensors(operation: Any, node_index: int) -> list[Any]:
    """Returns the symbolic tensors that one call of an operation took."""
    nodes = operation._inbound_nodes
    return list(nodes[node_index].input_tensors) if node_index < len(nodes) else []


def built_shapes(layer: keras.Layer) -> dict[str, Any]:
    """Returns the shapes that a layer was built with, by the name of `build`'s argument."""
    return dict(layer._build_shapes_dict or {})


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
    """Hands every symbolic call of a layer or operation to functions of the caller.

    Unlike a symbolic call of Keras, it leaves no nodes in the layers.

    Args:
        on_layer: called as `(layer, args, kwargs)` instead of the layer; returns its outputs.
        on_operation: called as `(operation, args, kwargs, outputs)` after an operation.
    """
    layer_call, symbolic_call = keras.Layer.__call__, Operation.symbolic_call

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        leaves = keras.tree.flatten((args, kwargs))
        if any(isinstance(leaf, keras.KerasTensor) for leaf in leaves):
            return on_layer(self, args, kwargs)
        return layer_call(self, *args, **kwargs)

    def symbolic(self: Any, *args: Any, **kwargs: Any) -> Any:
        outputs = self.compute_output_spec(*args, **kwargs)
        on_operation(self, args, kwargs, outputs)
        return outputs

    keras.Layer.__call__, Operation.symbolic_call = call, symbolic
    try:
        yield
    finally:
        keras.Layer.__call__, Operation.symbolic_call = layer_call, symbolic_call


# ---- changing a built layer --------------------------------------------------------------------


def set_class(thing: object, cls: type) -> None:
    """Gives an object another class, past every `__setattr__` hook."""
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
    """Tells torch of variables that were added to built layers."""
    for one in flatten_layers(layer):
        if hasattr(one, "_torch_params"):
            one._track_variables()


def transplant(layer: keras.Layer, donor: keras.Layer) -> None:
    """Gives a layer the whole state of another of its class; whoever holds it keeps holding it.

    Its place in the graph of a functional model stays. Call `retrack` on the outermost layer
    afterwards.
    """
    for name in ("_inbound_nodes", "_outbound_nodes"):
        donor.__dict__[name] = layer.__dict__[name]
    object.__setattr__(layer, "__dict__", donor.__dict__)


class BuildHook:
    """Lets a layer do something when it has been built."""

    def _post_build(self) -> None:
        super()._post_build()  # type: ignore[misc]
        self.after_build()

    def after_build(self) -> None:
        """Is called when the layer has been built."""


class LayerHooks(BuildHook):
    """What Keras calls on a layer under private names, handed on under public ones."""

    name: str

    def _check_quantize_args(self, mode: Any, compute_dtype: Any) -> None:
        raise self.refuse("quantization", "Strip the model first and quantize the plain one.")

    def refuse(self, what: str, instead: str) -> Exception:
        """Returns the error for a Keras feature that a masked layer cannot serve."""
        raise NotImplementedError


# ---- scopes ------------------------------------------------------------------------------------


def stateless_scope() -> Any:
    """Returns the innermost active `keras.StatelessScope`, or None."""
    return global_state.get_global_attribute("stateless_scope")


@contextmanager
def use_scope(scope: Any) -> Iterator[None]:
    """Makes `scope` (or none) the active one, without entering or leaving it."""
    active = stateless_scope()
    global_state.set_global_attribute("stateless_scope", scope)
    try:
        yield
    finally:
        global_state.set_global_attribute("stateless_scope", active)


def full_precision() -> Any:
    """Returns a scope in which reading a variable does not cast it."""
    return AutocastScope(None)


def flush_losses(layer: keras.Layer, losses: Iterable[Any]) -> None:
    """Hands losses that a scope collected to the layers that added them."""
    losses = list(losses)
    if not losses:
        return
    for one in flatten_layers(layer):
        own = [loss for loss in losses if id(loss) in one._loss_ids]
        one._losses.extend(own)
        one._loss_ids.difference_update(map(id, own))


# ---- serialization -----------------------------------------------------------------------------


def class_entry(cls: type) -> dict[str, Any]:
    """Returns how a `.keras` file names a class: module, class name and registered name."""
    entry = serialization_lib.serialize_with_public_class(cls, {})
    return {key: entry[key] for key in ("module", "class_name", "registered_name")}


def name_class(cls: type, registered: str) -> None:
    """Makes instances of `cls` be written under the name of a class that is registered."""
    object_registration.GLOBAL_CUSTOM_NAMES[cls] = registered


# ---- trainer and optimizer ---------------------------------------------------------------------


def sync_trainer(model: keras.Model) -> None:
    """Writes the state that JAX's `fit` holds back to the variables, and lets it read them again.

    Call it in a callback before anything reads or writes a variable. Elsewhere, and on the other
    backends, it does nothing.
    """
    if hasattr(model, "jax_state_sync"):
        model.jax_state_sync()


def resumed_epoch(model: keras.Model) -> int | None:
    """Returns the epoch at which a callback (BackupAndRestore) resumes training, and forgets it."""
    epoch, model._initial_epoch = model._initial_epoch, None
    return epoch


def compiled_metrics(model: keras.Model) -> list[keras.metrics.Metric]:
    """Returns the metrics that `compile` was given; known once the model has seen a batch."""
    own = [metric for metric in model.metrics if isinstance(metric, CompileMetrics)]
    return [metric for group in own for metric in group.metrics]


def metric_direction(metric: keras.metrics.Metric) -> str | None:
    """Returns `up` where larger values of a metric are better, else `down`; None: unknown."""
    return getattr(metric, "_direction", None)


def remake_functions(model: keras.Model) -> None:
    """Makes a compiled model trace its steps again, also in the middle of `fit`."""
    if not getattr(model, "compiled", False):
        return
    model.test_function = None
    model.predict_function = None
    if model.train_function is not None:
        model.make_train_function(force=True)


def innermost(optimizer: Any) -> Any:
    """Returns the optimizer inside loss-scaling ones."""
    while hasattr(optimizer, "inner_optimizer"):
        optimizer = optimizer.inner_optimizer
    return optimizer


def iterations(model: keras.Model) -> int | None:
    """Returns how many batches' gradients the optimizer was given; None without an optimizer.

    In the midst of JAX's `fit` the state holds the count, and is read without syncing it.
    """
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None:
        return None
    counter = innermost(optimizer)._iterations
    state = getattr(model, "_jax_state", None)
    if state and not model._jax_state_synced:
        held = zip(optimizer.variables, state["optimizer_variables"])
        return next(int(value) for variable, value in held if variable is counter)
    return int(keras.ops.convert_to_numpy(counter.value))


def batches_per_update(model: keras.Model) -> int:
    """Returns how many batches' gradients the optimizer gathers for an update; 1 without one."""
    optimizer = innermost(getattr(model, "optimizer", None))
    return int(getattr(optimizer, "gradient_accumulation_steps", None) or 1)


def forget_variables(optimizer: Any, variables: list[keras.Variable]) -> None:
    """Takes variables that `optimizer.add_variable` made out of the optimizer again."""
    gone = {id(variable) for variable in variables}
    left = [v for v in optimizer._variables if id(v) not in gone]
    # A new list: TensorFlow's checkpoints refuse one of theirs that lost an entry.
    object.__setattr__(optimizer, "_variables", left)
    accepts, _ = optimizer._tracker.config["variables"]
    optimizer._tracker.config["variables"] = (accepts, left)


def applying_optimizer() -> Any:
    """Returns the optimizer inside whose `apply` this is called, or None."""
    stack = global_state.get_global_attribute("name_scope_stack") or ()
    callers = (scope.caller for scope in reversed(stack))
    return next((one for one in callers if isinstance(one, keras.optimizers.Optimizer)), None)


def optimized_variables(optimizer: Any) -> list[keras.Variable]:
    """Returns the variables that an optimizer was built with, in the order of its slots."""
    return list(optimizer._trainable_variables)


def learning_rate(optimizer: keras.optimizers.Optimizer) -> Any:
    """Returns what an optimizer was given as its learning rate: a variable, or its schedule."""
    return optimizer._learning_rate


def clip_sums(optimizer: keras.optimizers.Optimizer, replicas: int) -> None:
    """Lets an optimizer on TensorFlow clip the gradients of the whole batch.

    Keras clips what each replica has found and sums afterwards, and measures the gradient of an
    embedding by a row for each use of a word, before uses are summed: neither norm is that of the
    batch. Here the sum is clipped, and its share given back to be summed.

    Args:
        optimizer: one that clips, or one that does not, which stays as it is.
        replicas: over which gradients are summed; 1 where there is no `tf.distribute`.
    """
    if not (optimizer.clipnorm or optimizer.global_clipnorm or optimizer.clipvalue):
        return
    clip = optimizer._clip_gradients

    def clip_sum(gradients: Any) -> list[Any]:
        import tensorflow as tf

        own = [tf.convert_to_tensor(g) for g in gradients if g is not None]
        if replicas > 1:
            own = tf.distribute.get_replica_context().all_reduce("SUM", own)
        summed = iter(own)
        clipped = clip([None if g is None else next(summed) for g in gradients])
        return [None if g is None else g / replicas for g in clipped]

    optimizer._clip_gradients = clip_sum


def hidden_name(name: str) -> str:
    """Returns the attribute name under which this package keeps something on a Keras object."""
    return f"_lottery_{name}"
