"""A `.keras` file that another process can load: saving it, and the classes that it needs."""

import importlib
import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keras_lottery.errors import LotteryError
from keras_lottery.export.reason import reason_of

_KNOWN = ("keras", "keras_hub", "keras_nlp", "builtins")


def save_archive(model: Any, path: Path) -> None:
    """Saves `model`.

    Raises:
        LotteryError: Keras cannot save it.
    """
    try:
        model.save(path)
    except OSError:
        raise
    except Exception as error:  # whatever the user's `get_config` and Keras raise
        raise LotteryError(
            f"Expected a model that Keras can save. Received: {reason_of(error)} Give its "
            "classes a `get_config` that returns what their `__init__` takes."
        ) from error


def custom_objects(path: Path) -> dict[str, str]:
    """Returns `{registered name: "module:qualified name"}` of what is not Keras' own.

    Raises:
        LotteryError: another process cannot import one of them.
    """
    with zipfile.ZipFile(path) as file:
        config = json.loads(file.read("config.json"))
    found: dict[str, str] = {}
    for entry in _objects(config):
        module, name = entry["module"], entry["class_name"]
        if name == "function":
            name = entry["config"]
        if (module or "").split(".")[0] not in _KNOWN:
            registered = entry.get("registered_name") or name
            found[registered] = _location(registered, name, module)
    return found


def load_archive(path: str, locations: dict[str, str]) -> Any:
    """Loads what `save_archive` saved, uncompiled, in a process that has imported nothing yet."""
    import keras

    classes = {}
    for registered, location in locations.items():
        module, _, name = location.partition(":")
        classes[registered] = _attribute(importlib.import_module(module), name)
    # The file was written a moment ago from a model of the same user, so its Lambdas may run.
    return keras.saving.load_model(path, custom_objects=classes, compile=False, safe_mode=False)


def _objects(config: Any) -> Iterator[dict[str, Any]]:
    """Yields every serialized object in a config."""
    if isinstance(config, dict):
        if "module" in config and config.get("class_name") not in (None, "__lambda__"):
            yield config
        for value in config.values():
            yield from _objects(value)
    elif isinstance(config, list):
        for value in config:
            yield from _objects(value)


def _location(registered: str, name: str, module: str | None) -> str:
    import keras

    live = keras.saving.get_registered_object(registered)
    if live is not None:
        module, name = live.__module__, live.__qualname__
    if module in (None, "__main__") or _attribute(sys.modules.get(module), name) is None:
        raise LotteryError(
            f"Expected classes that another process can import. Received: {name!r} of the module "
            f"{module or '__main__'!r}. Move it into a module of its own and import it from there."
        )
    return f"{module}:{name}"


def _attribute(module: Any, qualified_name: str) -> Any:
    for part in qualified_name.split("."):
        module = getattr(module, part, None)
    return module
