"""Saving composite layers and subclassed models that contain smaller layers.

The constructor of such a class can't express the new sizes. So the object's class is swapped for a
dynamic subclass whose config also contains the smaller layers.
"""

import inspect
from numbers import Real
from typing import Any

import keras

from keras_lottery.errors import LotteryError
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking.class_swap import own_class_view, swapped_class
from keras_lottery.masking.paths import layer_paths

__all__ = ["CompactedLayer", "config_of", "give_class", "without_arrays"]

CONFIG_KEY = "keras_lottery_compacted"
PENDING = internals.hidden_name("resized")


@keras.saving.register_keras_serializable("keras_lottery", "CompactedLayer")
class CompactedLayer(internals.BuildHook):
    """Mixin of layers that contain smaller layers."""

    keras_lottery_base: type[keras.Layer]
    built: bool
    compute_dtype: str
    registered_name = "keras_lottery>CompactedLayer"

    def get_config(self) -> dict[str, Any]:
        config = dict(without_arrays(own_class_view(self).get_config()))
        entry = internals.class_entry(self.keras_lottery_base)
        inner = dict(getattr(self, PENDING))
        layers = dict(layer_paths(self))
        if self.built:
            inner = {path: _serialized(layers[path]) for path in inner}
        config[CONFIG_KEY] = {**entry, "layers": inner}
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], **kwargs: Any) -> keras.Layer:
        """Rebuilds the object; its layers shrink once it is built."""
        config = dict(config)
        entry = dict(config.pop(CONFIG_KEY))
        inner = entry.pop("layers")
        layer = keras.saving.deserialize_keras_object({**entry, "config": config})
        give_class(layer, inner)
        if layer.built:
            _shrink(layer)
        return layer

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Traces the code, since `compute_output_shape` can depend on sizes of the constructor."""
        return keras.Operation.compute_output_spec(self, *args, **kwargs)

    def compute_output_shape(self, *shapes: Any, **named: Any) -> Any:
        """Traces the code too, for wrappers and composite layers that ask for shapes."""
        names = inspect.signature(self.call).parameters  # type: ignore[attr-defined]
        inputs = {name.removesuffix("_shape"): shape for name, shape in named.items()}
        unnamed = [shape for name, shape in inputs.items() if name not in names]
        args, kwargs = keras.tree.map_shape_structure(
            lambda shape: keras.KerasTensor(shape, self.compute_dtype),
            ([*shapes, *unnamed], {name: inputs[name] for name in inputs if name in names}),
        )
        outputs = self.compute_output_spec(*args, **kwargs)
        return keras.tree.map_structure(lambda output: output.shape, outputs)

    def after_build(self) -> None:
        _shrink(self)

    def build_from_config(self, config: dict[str, Any]) -> None:
        super().build_from_config(config)  # type: ignore[misc]
        self.built = True
        _shrink(self)

    def __reduce__(self) -> tuple[Any, ...]:
        reduced: Any = super().__reduce__()
        return internals.unpickler(self.keras_lottery_base), reduced[1]


def config_of(layer: keras.Layer) -> dict[str, Any]:
    """Returns a layer's config, read from its attributes if its class has no `get_config`.

    Raises:
        LotteryError: the constructor has an argument without an attribute of its name.
    """
    try:
        return dict(layer.get_config())
    except NotImplementedError:
        pass
    policy = keras.saving.serialize_keras_object(layer.dtype_policy)
    config = {"name": layer.name, "trainable": layer.trainable, "dtype": policy}
    parameters = inspect.signature(type(layer)).parameters.values()
    names = {p.name for p in parameters if p.kind is not p.VAR_KEYWORD}
    for name in sorted(names - set(config)):
        attribute = next((a for a in (name, f"_{name}") if hasattr(layer, a)), None)
        if attribute is None:
            raise LotteryError(
                f"Expected a layer whose config can be read. Received: {type(layer).__name__}, "
                f"which has neither get_config nor an attribute {name!r}. Give it get_config."
            )
        config[name] = keras.saving.serialize_keras_object(getattr(layer, attribute))
    return config


def without_arrays(config: Any) -> Any:
    """Returns a config with zeros instead of initializers that are an array.

    The array has the layer's original size, and the weights are copied anyway.
    """
    if isinstance(config, list | tuple):
        return type(config)(without_arrays(part) for part in config)
    if not isinstance(config, dict):
        return config
    if config.get("module") == "keras.initializers" and config.get("class_name") == "Constant":
        is_number = isinstance(config["config"]["value"], Real)
        return config if is_number else keras.initializers.serialize(keras.initializers.Zeros())
    return {key: without_arrays(value) for key, value in config.items()}


def _serialized(layer: keras.Layer) -> dict[str, Any]:
    return {
        **internals.class_entry(type(layer)),
        "config": config_of(layer),
        "build_config": layer.get_build_config(),
    }


def give_class(layer: keras.Layer, inner: dict[str, Any]) -> None:
    """Makes the config of a layer contain the smaller layers inside.

    Args:
        layer: a composite layer or subclassed model.
        inner: path below it -> config of the smaller layer, or None if it is in place already.
    """
    cls: Any = type(layer)
    if not issubclass(cls, CompactedLayer):
        internals.set_class(layer, swapped_class(cls, CompactedLayer, ("get_config",)))
    object.__setattr__(layer, PENDING, {**getattr(layer, PENDING, {}), **inner})


def _shrink(layer: Any) -> None:
    pending = getattr(layer, PENDING, {})
    layers = dict(layer_paths(layer))
    for path, config in pending.items():
        if config is not None:
            internals.transplant(layers[path], keras.saving.deserialize_keras_object(config))
    object.__setattr__(layer, PENDING, dict.fromkeys(pending))
    internals.retrack(layer)
