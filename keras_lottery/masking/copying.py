"""Copying a model with its masks, or stripping it: a plain model with the masks folded in."""

import random
import warnings
from collections.abc import Callable, Set
from contextlib import AbstractContextManager
from copy import copy as shallow_copy
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any

import keras
import numpy as np

from keras_lottery import backend
from keras_lottery.backend.global_state import preserved, replaced_method
from keras_lottery.errors import LotteryError
from keras_lottery.masking import arguments, paths, state
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking.live_objects import live_objects
from keras_lottery.masking.mask_holder import WRAPPER_NAME
from keras_lottery.masking.masked_layer import CONFIG_KEY
from keras_lottery.types import Weights

__all__ = ["blank_initializers", "copy_model", "fresh_initializers", "fresh_weights", "strip"]

Reader = Callable[[], np.ndarray]

_COPY_HINT = "Pass in_place=True to mask it as it is, or give its class get_config and from_config."
_STRIP_HINT = (
    "Give its class get_config and from_config, or build a fresh one and call "
    "set_weights(fresh, effective_weights(model))."
)


@preserved()
def copy_model(model: keras.Model) -> keras.Model:
    """Returns a copy with weights, masks, compile settings and the optimizer's state.

    Raises:
        LotteryError: the model cannot be rebuilt from its config.
    """
    with live_objects(model) as objects:
        copy = _rebuild(model, _config(model, _COPY_HINT), objects, _COPY_HINT)
    _copy_seeds(model, copy)
    state.set_weights(copy, state.get_weights(model))
    _copy_adapted(model, copy)
    state.copy_masks(model, copy)
    old, new = getattr(model, "optimizer", None), getattr(copy, "optimizer", None)
    if old is not None and new is not None and len(old.variables) == len(new.variables):
        for source, target in zip(old.variables, new.variables):
            target.assign(keras.ops.copy(source.value))  # on JAX a shared array can be donated
    elif new is not None:
        internals.restart_from_weights(new)  # Keras built it before the weights were copied
    return copy


@preserved()
def strip(model: keras.Model) -> keras.Model:
    """Returns a new, plain Keras model with the same outputs as the masked one.

    Pruned weights become the value that the network uses for them: 0, or their fill. `bernoulli`
    masks keep the weights whose probability is at least a half. The masked model is unchanged; the
    new one is not compiled. LoRA is merged: W + AB becomes the kernel.

    Args:
        model: a masked model; a model without masks is copied.

    Raises:
        LotteryError: the model is not built, or it cannot be rebuilt from its config.

    Example:
        >>> plain = strip(model)
        >>> plain.save("pruned.keras")
    """
    arguments.built_model(model)
    readers = _merge_lora(model, state.effective_readers(model))
    with live_objects(model) as objects:
        config = _plain(_config(model, _STRIP_HINT), _names_with_lora(model))
        with _initializers(lambda _: "zeros"):  # the values are assigned below
            plain = _rebuild(model, config, objects, _STRIP_HINT, False, set(readers))
    _copy_seeds(model, plain)
    variables = paths.variables(plain)
    if extra := sorted(variables.keys() - readers.keys()):
        raise _cannot(model, f"the copy has {extra[0]}, too", _STRIP_HINT)
    for path, variable in variables.items():
        variable.assign(readers[path]())  # one at a time: all together would be another model
    _copy_adapted(model, plain)
    return plain


def fresh_weights(model: keras.Model) -> Weights:
    """Returns newly initialized values of every variable, by path.

    Initializers with a fixed seed get another seed.

    Raises:
        LotteryError: the model cannot be rebuilt from its config.
    """
    with live_objects(model) as objects:
        plain = _plain(_config(model, _COPY_HINT), _names_with_lora(model))
        with fresh_initializers():
            return state.get_weights(_rebuild(model, plain, objects, _COPY_HINT, compiled=False))


def fresh_initializers() -> AbstractContextManager[None]:
    """Replaces fixed initializer seeds in layers that are built inside this context.

    The new seeds come from Python's `random`, where Keras gets the seeds of unseeded initializers.
    """
    return _initializers(_reseeded)


def blank_initializers() -> AbstractContextManager[None]:
    """Initializes layers that are built inside this context with zeros where values are random.

    That saves the time to draw values which are about to be replaced.
    """
    return _initializers(_blank)


def _initializers(replaced: Callable[[Any], Any]) -> AbstractContextManager[None]:
    """Replaces the initializers of layers that this thread builds inside this context."""

    def with_another(
        add_weight: Callable[..., keras.Variable],
        layer: keras.Layer,
        shape: Any = None,
        initializer: Any = None,
        *args: Any,
        **settings: Any,
    ) -> keras.Variable:
        return add_weight(layer, shape, replaced(initializer), *args, **settings)

    return replaced_method(keras.Layer, "add_weight", with_another)


def _blank(initializer: Any) -> Any:
    """Returns zeros for an initializer with a seed, and for Keras' default."""
    if isinstance(initializer, str | dict):
        initializer = keras.initializers.get(initializer)
    random = isinstance(initializer, keras.Initializer) and hasattr(initializer, "seed")
    return _zeros if initializer is None or random else initializer


def _zeros(shape: tuple[int, ...], dtype: Any = None) -> Any:
    dtype = keras.backend.standardize_dtype(dtype)
    if dtype not in ("float32", "float64", "float16"):
        return keras.ops.zeros(shape, dtype)
    return backend.tensor_of(backend.aligned_zeros(shape, dtype))


def _reseeded(initializer: Any) -> Any:
    """Returns an initializer with fixed seeds replaced, nested initializers included."""
    if isinstance(initializer, dict):
        initializer = keras.initializers.get(initializer)
    if not isinstance(initializer, keras.Initializer):
        return initializer
    fresh = shallow_copy(initializer)
    for name, value in vars(initializer).items():
        if isinstance(value, keras.Initializer):
            setattr(fresh, name, _reseeded(value))
    # Without a seed, Keras invents the attribute `seed`, but not the entry in the config.
    if initializer.get_config().get("seed", getattr(initializer, "seed", None)) is not None:
        fresh.seed = random.randrange(2**31)
    return fresh


def _config(model: keras.Model, hint: str) -> dict[str, Any]:
    paths.check_built(model)
    try:
        with warnings.catch_warnings(), internals.tensorflow_left_out():
            warnings.simplefilter("ignore")  # about lambdas: they are loaded in this process only
            return keras.saving.serialize_keras_object(model)
    except Exception as error:
        raise _cannot(model, error, hint) from error


def _rebuild(
    model: keras.Model,
    config: dict[str, Any],
    objects: dict[str, Any],
    hint: str,
    compiled: bool = True,
    expected: set[str] | None = None,
) -> keras.Model:
    if not compiled:
        config = {key: value for key, value in config.items() if key != "compile_config"}
    try:
        with warnings.catch_warnings(), internals.tensorflow_left_out():
            warnings.simplefilter("ignore")
            copy = keras.saving.deserialize_keras_object(
                config, custom_objects=objects, safe_mode=False
            )
    except Exception as error:
        raise _cannot(model, error, hint) from error
    expected = set(paths.variables(model)) if expected is None else expected
    missing = expected - (set(paths.variables(copy)) if copy.built else set())
    if missing:
        raise _cannot(model, f"the copy lacks {sorted(missing)[0]}", hint)
    return copy


def _plain(node: Any, lora: Set[str]) -> Any:
    """Returns a config without this package's classes: every layer has its own class again.

    Args:
        node: a part of the config.
        lora: names of layers whose LoRA is merged.
    """
    if isinstance(node, list | tuple):
        return type(node)(_plain(part, lora) for part in node)
    if not isinstance(node, dict):
        return node
    config = node.get("config")
    if isinstance(config, dict) and node.get("registered_name") == WRAPPER_NAME:
        inner = config["layer"]
        node = {**node, **inner, "config": {**inner["config"], "name": config["name"]}}
        return _plain(node, lora)
    if isinstance(config, dict) and CONFIG_KEY in config:
        entry = {k: v for k, v in config[CONFIG_KEY].items() if k != "variables"}
        bare = {k: v for k, v in config.items() if k != CONFIG_KEY}
        return _plain({**node, **entry, "config": bare}, lora)
    if isinstance(config, dict) and "class_name" in node and config.get("name") in lora:
        bare = {k: v for k, v in config.items() if k not in ("lora_rank", "lora_alpha")}
        node = {**node, "config": bare}
    return {key: _plain(value, lora) for key, value in node.items()}


def _names_with_lora(model: keras.Layer) -> set[str]:
    layers = (layer for _, layer in paths.layer_paths(model))
    return {layer.name for layer in layers if getattr(layer, "lora_enabled", False)}


def _merge_lora(model: keras.Model, readers: dict[str, Reader]) -> dict[str, Reader]:
    """Returns the functions that read the weights, with W + AB as the kernel of LoRA's layers."""
    merged = dict(readers)
    for path, layer in paths.layer_paths(model):
        if not getattr(layer, "lora_enabled", False):
            continue
        name = "embeddings" if isinstance(layer, keras.layers.Embedding) else "kernel"
        for part in (f"_{name}", f"lora_{name}_a", f"lora_{name}_b"):
            merged.pop(f"{path}/{part}".strip("/"))
        merged[f"{path}/{name}".strip("/")] = partial(_attribute, layer, name)
    return merged


def _attribute(layer: keras.Layer, name: str) -> np.ndarray:
    return np.array(keras.ops.convert_to_numpy(getattr(layer, name)))


def _copy_seeds(model: keras.Model, copy: keras.Model) -> None:
    states = paths.seed_generators(copy)
    for path, variable in paths.seed_generators(model).items():
        if path in states:
            states[path].assign(keras.ops.copy(variable.value))


def _copy_adapted(model: keras.Model, copy: keras.Model) -> None:
    """Copies what layers have learned by `adapt` and don't hold in variables alone."""
    layers = dict(paths.layer_paths(model))
    for path, layer in paths.layer_paths(copy):
        source = layers.get(path)
        if source is None:
            continue
        if isinstance(layer, keras.layers.Normalization | keras.layers.Discretization):
            store: dict[str, Any] = {}
            source.save_own_variables(store)
            numpy = keras.ops.convert_to_numpy
            layer.load_own_variables({name: numpy(value) for name, value in store.items()})
        if hasattr(layer, "load_assets"):  # vocabularies
            with TemporaryDirectory() as folder:
                source.save_assets(folder)
                layer.load_assets(folder)


def _cannot(model: keras.Model, error: object, hint: str) -> LotteryError:
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return LotteryError(
        f"Expected a model that can be rebuilt from its config. Received: {model.name!r} of class "
        f"{type(model).__name__}, which cannot ({first}). {hint}"
    )
