"""A saved model that another process can load: saving it, and finding its classes there.

It is the folder that Keras writes with `zipped=False`, whose weights are written and read one at a
time, or a `.keras` file.

Strings in such a file are not trusted: a model loaded from an untrusted file keeps anything hidden
in that file's config. The other process gets only the classes and functions that the live
model refers to, or that Keras has registered, and only the model's own code.
"""

import importlib
import json
import sys
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FunctionType
from typing import Any

from keras_lottery.errors import LotteryError, reason_of
from keras_lottery.files import full_disk
from keras_lottery.references import attributes, elements, is_part, references

_CONFIG = "config.json"
# Entries of a config that are code, which Keras loads with `safe_mode=False` only.
_CODE = ("__lambda__", "TorchModuleWrapper", "TFSMLayer")


def save_archive(model: Any, path: Path) -> None:
    """Saves `model` without its optimizer and compile config.

    Args:
        model: a Keras model.
        path: a new folder, or a file if it ends in `.keras`.

    Raises:
        LotteryError: Keras cannot save it.
    """
    from keras_lottery.masking.keras_internals import tensorflow_left_out

    try:
        with _uncompiled(model), tensorflow_left_out():
            model.save(path, zipped=path.suffix == ".keras")
    except OSError:
        raise
    except Exception as error:  # whatever the user's `get_config` and Keras raise
        if full := full_disk(error):
            raise full from error
        raise LotteryError(
            f"Expected a model that Keras can save. Received: {reason_of(error)} Give its "
            "classes a `get_config` that returns what their `__init__` takes."
        ) from error


@contextmanager
def _uncompiled(model: Any) -> Iterator[None]:
    """Hides optimizers and compile configs, those of nested models too, from Keras' saving."""
    import keras

    from keras_lottery.masking.keras_internals import flatten_layers

    models = [layer for layer in flatten_layers(model) if isinstance(layer, keras.Model)]
    kept = [(vars(part), dict(vars(part))) for part in models]
    try:
        for attributes, before in kept:
            attributes["get_compile_config"] = lambda: None
            for name, value in before.items():
                if isinstance(value, keras.optimizers.Optimizer):
                    attributes[name] = None
        yield
    finally:
        for attributes, before in kept:
            attributes.pop("get_compile_config", None)
            attributes.update(before)


def loading(model: Any, path: Path) -> dict[str, Any]:
    """Returns the arguments for `load_archive` in another process, for `model` saved at `path`.

    Raises:
        LotteryError: it cannot import one of the classes, or the file contains code that is not
            the live model's.
    """
    config = json.loads(config_text(path))
    parts = references(model)
    return {
        "archive": str(path),
        "custom_objects": _custom_objects(parts, config),
        "safe_mode": _is_free_of_code(parts, config),
    }


def config_text(path: Path) -> bytes:
    """Returns the JSON of a saved model's config."""
    if path.is_dir():
        return (path / _CONFIG).read_bytes()
    with zipfile.ZipFile(path) as file:
        return file.read(_CONFIG)


def load_archive(request: dict[str, Any]) -> Any:
    """Loads an archive, uncompiled, in a fresh process."""
    import keras

    objects = {}
    for registered, location in request["custom_objects"].items():
        module, _, name = location.partition(":")
        objects[registered] = _attribute(importlib.import_module(module), name)
    return keras.saving.load_model(
        request["archive"],
        custom_objects=objects,
        compile=False,
        safe_mode=request["safe_mode"],
    )


def _custom_objects(parts: list[Any], config: Any) -> dict[str, str]:
    """Returns `{registered name: "module:qualified name"}` of the objects named in the file."""
    import keras

    names = {
        entry[key]
        for entry in entries(config)
        for key in ("registered_name", "config")
        if isinstance(entry.get(key), str)
    }
    objects = {name: keras.saving.get_registered_object(name) for name in names}
    for part in parts:
        if hasattr(part, "__qualname__") and (name := _registered_name(part)) in names:
            objects[name] = part
    return {
        name: _location(thing)
        for name, thing in sorted(objects.items())
        if thing is not None and str(_home(thing)[0]).partition(".")[0] != "keras"
    }


def _is_free_of_code(parts: list[Any], config: Any) -> bool:
    """Returns True if Keras' safe mode can load the file.

    Raises:
        LotteryError: the file contains code that no part of the live model has.
    """
    code = _code(config)
    live = [entry for part in parts if has_code(part) for entry in _code(_config(part))]
    if any(entry not in live for entry in code):
        raise LotteryError(
            "Expected a model whose code is its own. Received: one that carries a Python lambda "
            "or a pickled module in the config of a layer that does not run it. Build the model "
            "again, and don't trust the file that it came from."
        )
    return not code


def _config(part: Any) -> Any:
    """Returns the config of a part of a model, as in a `.keras` file."""
    import keras

    from keras_lottery.masking.keras_internals import tensorflow_left_out

    with warnings.catch_warnings(), tensorflow_left_out():
        warnings.simplefilter("ignore")  # Keras warned of the lambda when the file was written
        return json.loads(json.dumps(keras.saving.serialize_keras_object(part)))


def _code(config: Any) -> list[Any]:
    """Returns the entries of a config that are code."""
    return [
        (entry["class_name"], entry.get("config")) for entry in entries(config) if is_code(entry)
    ]


def is_code(entry: dict[str, Any]) -> bool:
    """Returns True for an entry of a config that is code, also under a dotted name."""
    return entry["class_name"].rpartition(".")[2] in _CODE


def entries(config: Any) -> Iterator[dict[str, Any]]:
    """Yields every dict in a config that has a class name."""
    if isinstance(config, dict):
        if isinstance(config.get("class_name"), str):
            yield config
        for value in config.values():
            yield from entries(value)
    elif isinstance(config, list):
        for value in config:
            yield from entries(value)


def _registered_name(thing: Any) -> str:
    import keras

    return str(keras.saving.get_registered_name(thing))


def _location(thing: Any) -> str:
    module, name = _home(thing)
    if module == "__main__" or _attribute(sys.modules.get(module), name) is not thing:
        raise LotteryError(
            f"Expected classes that another process can import. Received: {name!r} of the module "
            f"{module!r}. Move it into a module of its own and import it from there."
        )
    return f"{module}:{name}"


def _home(thing: Any) -> tuple[Any, str]:
    """Returns module and qualified name; for an instance, those of its class."""
    return getattr(thing, "__module__", None), getattr(thing, "__qualname__", type(thing).__name__)


def _attribute(module: Any, qualified_name: str) -> Any:
    for part in qualified_name.split("."):
        module = getattr(module, part, None)
    return module


def has_code(part: Any) -> bool:
    """Returns True for a part that Keras saves as code: one with a lambda, or a wrapped module."""
    import keras

    wrappers = (keras.layers.TorchModuleWrapper, keras.layers.TFSMLayer)
    values = [part, *attributes(part)] if is_part(part) else []
    held = [*values, *(element for value in values for element in elements(value))]
    return isinstance(part, wrappers) or any(
        isinstance(value, FunctionType) and value.__name__ == "<lambda>" for value in held
    )
