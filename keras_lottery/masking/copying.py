"""Copies of a model: with its masks, or a plain one with the masks folded in."""

import warnings
from typing import Any

import keras
import numpy as np

from keras_lottery.errors import LotteryError
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking import paths, state
from keras_lottery.masking.classes import CONFIG_KEY
from keras_lottery.masking.wrapper import MASKED_NAME
from keras_lottery.types import Weights

__all__ = ["copy_model", "fresh_weights", "strip"]

_COPY_HINT = "Pass in_place=True to mask it as it is, or give its class get_config and from_config."
_STRIP_HINT = (
    "Give its class get_config and from_config, or build a fresh one and call "
    "set_weights(fresh, effective_weights(model))."
)


def copy_model(model: keras.Model) -> keras.Model:
    """Returns a copy with weights, masks, compile settings and the optimizer's state.

    Raises:
        LotteryError: the model cannot be rebuilt from its config.
    """
    copy = _rebuild(model, _config(model, _COPY_HINT), _COPY_HINT)
    _copy_seeds(model, copy)
    state.set_weights(copy, state.get_weights(model))
    state.copy_masks(model, copy)
    old, new = getattr(model, "optimizer", None), getattr(copy, "optimizer", None)
    if old is not None and new is not None and len(old.variables) == len(new.variables):
        for source, target in zip(old.variables, new.variables):
            target.assign(keras.ops.copy(source.value))  # on JAX a shared array can be donated
    return copy


def strip(model: keras.Model) -> keras.Model:
    """Returns a new, plain Keras model that computes what the masked one does.

    Pruned weights are written as the value that the network uses for them: 0, or their fill. Of
    `bernoulli` masks, which draw, the weights stay whose probability is at least a half. The
    masked model is left as it is; the new one is not compiled.

    Args:
        model: a masked model, or any other, of which it is a copy.

    Raises:
        LotteryError: the model is not built, or it cannot be rebuilt from its config.

    Example:
        >>> plain = strip(model)
        >>> plain.save("pruned.keras")
    """
    paths.check_built(model)
    weights = state.effective_weights(model)
    plain = _rebuild(model, _plain(_config(model, _STRIP_HINT)), _STRIP_HINT, compiled=False)
    _copy_seeds(model, plain)
    state.set_weights(plain, weights)
    return plain


def fresh_weights(model: keras.Model) -> Weights:
    """Returns a fresh draw of every variable from the model's initializers, by path.

    Raises:
        LotteryError: the model cannot be rebuilt from its config.
    """
    plain = _plain(_config(model, _COPY_HINT))
    return state.get_weights(_rebuild(model, plain, _COPY_HINT, compiled=False))


def _config(model: keras.Model, hint: str) -> dict[str, Any]:
    paths.check_built(model)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of lambdas, which need not be safe to load here
            return keras.saving.serialize_keras_object(model)
    except Exception as error:
        raise _cannot(model, error, hint) from error


def _rebuild(
    model: keras.Model, config: dict[str, Any], hint: str, compiled: bool = True
) -> keras.Model:
    if not compiled:
        config = {key: value for key, value in config.items() if key != "compile_config"}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            copy = keras.saving.deserialize_keras_object(
                config, custom_objects=_classes(model), safe_mode=False
            )
    except Exception as error:
        raise _cannot(model, error, hint) from error
    missing = set(paths.variables(model)) - (set(paths.variables(copy)) if copy.built else set())
    if missing:
        raise _cannot(model, f"the copy lacks {sorted(missing)[0]}", hint)
    return copy


def _classes(model: keras.Model) -> dict[str, type]:
    """Returns the classes in a model that Keras could not find by itself."""
    found: dict[str, type] = {}
    for layer in internals.flatten_layers(model):
        cls = type(layer)
        while hasattr(cls, "keras_lottery_base"):  # a class made here; only its base has a name
            cls = cls.keras_lottery_base
        if cls.__module__.partition(".")[0] not in ("keras", "keras_hub", "keras_lottery"):
            found.setdefault(keras.saving.get_registered_name(cls), cls)
    return found


def _plain(node: Any) -> Any:
    """Returns a config without this package's classes: what was masked is as it was before."""
    if isinstance(node, list | tuple):
        return type(node)(map(_plain, node))
    if not isinstance(node, dict):
        return node
    config = node.get("config")
    if isinstance(config, dict) and node.get("registered_name") == MASKED_NAME:
        inner = config["layer"]
        node = {**node, **inner, "config": {**inner["config"], "name": config["name"]}}
        return _plain(node)
    if isinstance(config, dict) and CONFIG_KEY in config:
        entry = {k: v for k, v in config[CONFIG_KEY].items() if k != "variables"}
        bare = {k: v for k, v in config.items() if k != CONFIG_KEY}
        return _plain({**node, **entry, "config": bare})
    return {key: _plain(value) for key, value in node.items()}


def _copy_seeds(model: keras.Model, copy: keras.Model) -> None:
    states = paths.seed_generators(copy)
    for path, variable in paths.seed_generators(model).items():
        if path in states:
            states[path].assign(keras.ops.copy(variable.value))


def _value(variable: keras.Variable) -> Any:
    """Returns a copy: two variables that share a buffer would have JAX donate it twice."""
    return np.array(keras.ops.convert_to_numpy(variable.value))


def _cannot(model: keras.Model, error: object, hint: str) -> LotteryError:
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return LotteryError(
        f"Expected a model that can be rebuilt from its config. Received: {model.name!r} of class "
        f"{type(model).__name__}, which cannot ({first}). {hint}"
    )
