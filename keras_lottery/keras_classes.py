"""The classes of this package that a `.keras` file can name, known to Keras as soon as it is there.

Keras loads a model only if the classes in its file are registered, and registering a class imports
its module, which imports Keras and a backend. So that `import keras_lottery` loads neither, Keras
gets a stand-in for each class at the end of its own import; a stand-in imports the class when a
file names it.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

_PACKAGE = __name__.partition(".")[0]
MODULES = {
    "MaskHolder": "masking.mask_layer",
    "MaskedLayer": "masking.masked_layer",
    "MaskedModel": "masking.masked_layer",
    "Masked": "toolkit.wrapper",
    "CompactedLayer": "compaction.resized",
    "Schedule": "training.optimizers",
    "L2SGD": "training.optimizers",
    "L2Adam": "training.optimizers",
    "Carried": "tasks.language.modelling.lstm",
    "CarryingLSTM": "tasks.language.modelling.lstm",
    "Confusion": "tasks.language.bert.metrics",
    "KnownAccuracy": "tasks.language.bert.metrics",
    "Pearson": "tasks.language.bert.metrics",
}
"""Where each class is that this package registers with Keras."""


def announce() -> None:
    """Makes the classes known to Keras: now if it is imported, else at the end of its import."""
    if "keras" in sys.modules:
        _register()
    else:
        sys.meta_path.insert(0, _AfterKeras())


class _AfterKeras(MetaPathFinder):
    """Finds Keras as Python does, and registers the classes when it has been imported."""

    def __init__(self) -> None:
        self._looking = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "keras" or self._looking:
            return None
        self._looking = True
        try:
            spec = find_spec(fullname)
        finally:
            self._looking = False
        if spec is not None and spec.loader is not None:
            self._register_after(spec.loader)
        return spec

    def _register_after(self, loader: Any) -> None:
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            del loader.exec_module
            sys.meta_path.remove(self)
            _register()

        loader.exec_module = exec_module


def _register() -> None:
    known = import_module("keras").saving.get_custom_objects()
    for name, home in MODULES.items():
        known.setdefault(f"{_PACKAGE}>{name}", _stand_in(name, f"{_PACKAGE}.{home}"))


def _stand_in(name: str, home: str) -> type:
    """Returns a class that turns a config into an object of the class that it stands for."""

    def from_config(cls: type, config: dict[str, Any], **kwargs: Any) -> Any:
        import_module(home)  # registers the class itself under the name
        keras = import_module("keras")
        return keras.saving.get_custom_objects()[f"{_PACKAGE}>{name}"].from_config(config, **kwargs)

    body = {"__module__": home, "__qualname__": name, "from_config": classmethod(from_config)}
    return type(name, (), body)
