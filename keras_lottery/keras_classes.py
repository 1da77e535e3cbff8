"""Registers this package's serializable classes with Keras when Keras is imported.

Keras loads a model only if the classes in its file are registered, and registering a class imports
its module, which imports Keras and a backend. To keep `import keras_lottery` light, Keras gets a
stand-in for each class as soon as it is imported. A stand-in imports the real class when a file
names it.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from keras_lottery.import_hook import around_import

_PACKAGE = __name__.partition(".")[0]
MODULES = {
    "MaskHolder": "masking.mask_holder",
    "MaskedLayer": "masking.masked_layer",
    "MaskedModel": "masking.masked_layer",
    "Masked": "toolkit.wrapper",
    "CompactedLayer": "compaction.composites",
    "Schedule": "training.optimizers",
    "Restartable": "training.optimizers",
    "L2SGD": "training.optimizers",
    "L2Adam": "training.optimizers",
    "Carried": "tasks.language.modeling.lstm",
    "CarryingLSTM": "tasks.language.modeling.lstm",
    "Confusion": "tasks.language.bert.metrics",
    "KnownAccuracy": "tasks.language.bert.metrics",
    "Pearson": "tasks.language.bert.metrics",
}
"""Module of each class that this package registers with Keras."""


def announce() -> None:
    """Registers the classes: now if Keras is imported, otherwise at the end of its import."""
    if "keras" in sys.modules:
        _register()
    else:
        around_import("keras", _registering)


@contextmanager
def _registering() -> Iterator[None]:
    """Registers the classes at the end, unless the import fails."""
    yield
    _register()


def _register() -> None:
    known = import_module("keras").saving.get_custom_objects()
    for name, home in MODULES.items():
        known.setdefault(f"{_PACKAGE}>{name}", _stand_in(name, f"{_PACKAGE}.{home}"))


def _stand_in(name: str, home: str) -> type:
    """Returns a class whose `from_config` imports the real class and delegates to it."""

    def from_config(cls: type, config: dict[str, Any], **kwargs: Any) -> Any:
        import_module(home)  # registers the class itself under the name
        keras = import_module("keras")
        return keras.saving.get_custom_objects()[f"{_PACKAGE}>{name}"].from_config(config, **kwargs)

    body = {"__module__": home, "__qualname__": name, "from_config": classmethod(from_config)}
    return type(name, (), body)
