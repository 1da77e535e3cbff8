"""Reads the files of the command line's tools: a `.keras` model, and examples with targets."""

import importlib
import json
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError, reason_of
from keras_lottery.exporters.subprocess.archive import config_text, entries, is_code
from keras_lottery.inflate import check_zip, is_zip, read_npz

_COMPUTING = (
    "activations",
    "constraints",
    "initializers",
    "losses",
    "metrics",
    "ops",
    "random",
    "regularizers",
)
_OBJECTS = ("deserialize", "get", "serialize")
_LOOKED_UP = ("keras", "keras_hub", "keras_cv", "keras_nlp")
"""Packages in which Keras looks up the names of a file; others have to be registered."""


def load_file(path: Path, compile: bool = False) -> Any:
    """Returns the model of an untrusted `.keras` file, without running code in it.

    Raises:
        LotteryError: it is not a `.keras` file, Keras cannot load it, or it contains code.
    """
    import keras

    if not path.is_file():
        raise LotteryError(
            f"Expected a .keras file. Received: {path}, no such file. Check --model."
        )
    if path.suffix != ".keras":
        raise LotteryError(
            f"Expected a .keras file. Received: {path}. Load it in Python, and save it as .keras."
        )
    try:
        if not is_zip(path):
            raise LotteryError(
                f"Expected a .keras file. Received: {path}, which is damaged or of another kind. "
                "Copy or save it again."
            )
        check_zip(path)
        _check_config(path)
        with warnings.catch_warnings():
            # The optimizer of a model that was compiled but never trained has no slots yet.
            warnings.filterwarnings("ignore", "Skipping variable loading for optimizer")
            return keras.saving.load_model(path, compile=compile)
    except LotteryError:
        raise
    except ValueError as error:
        if "safe_mode" not in str(error):
            raise _unreadable(path, error) from error
        raise _has_code(path) from error
    except Exception as error:  # a damaged file can fail in any of the libraries that read it
        raise _unreadable(path, error) from error


def _check_config(path: Path) -> None:
    """Raises LotteryError if loading a file could do more than build layers that compute.

    Its config could name code, a function such as `keras.utils.get_file`, which fetches and writes
    files, or a vocabulary to be read from the disk. Keras' safe mode refuses most of them in its
    newest versions only.
    """
    try:
        config = json.loads(config_text(path))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return  # Keras says what is wrong with it
    for entry in entries(config):
        if is_code(entry):
            raise _has_code(path)
        settings = entry.get("config")
        if isinstance(settings, dict) and isinstance(settings.get("vocabulary"), str):
            raise LotteryError(
                f"Expected a .keras file that holds its vocabularies. Received: {path}, which "
                f"names the file {settings['vocabulary']}. If you trust its source, load it in "
                "Python, and use kl.mask, kl.prune and kl.export."
            )
        name = _function(entry)
        if name and not _computes(name):
            raise LotteryError(
                f"Expected a .keras file whose layers only compute. Received: {path}, which names "
                f"the function {name}. If you trust its source, load it in Python, and "
                "use kl.mask, kl.prune and kl.export."
            )


def _function(entry: dict[str, Any]) -> str:
    """Returns the dotted name of the function that Keras makes of an entry; empty for an object.

    An entry that names a function as if it were a class gives that function, too.
    """
    import keras

    kind, home = entry["class_name"], str(entry.get("module"))
    if kind == "function":
        _module(home)  # registers its functions
        name = str(entry.get("config"))
        return f"{home}.{name}" if keras.saving.get_registered_object(name) is None else ""
    name = f"{home}.{kind}"
    module, _, attribute = name.rpartition(".")
    found = None
    if (imported := _module(module)) is not None:
        with suppress(ImportError, AttributeError):  # Keras says that there is no such name
            found = getattr(imported, attribute)
    return "" if found is None or isinstance(found, type) else name


def _module(name: str) -> ModuleType | None:
    """Returns a module in which Keras would look up a name; None if there is none."""
    if name.partition(".")[0] not in _LOOKED_UP:
        return None
    with suppress(ImportError):
        return importlib.import_module(name)
    return None


def _computes(name: str) -> bool:
    package, *modules, function = name.split(".")
    if package == "builtins":
        return function not in _OBJECTS
    if package == "keras":
        return bool(modules) and modules[0] in _COMPUTING and function not in _OBJECTS
    return package not in _LOOKED_UP


def _has_code(path: Path) -> LotteryError:
    return LotteryError(
        f"Expected a .keras file without code in it. Received: {path}, which contains code (such "
        "as a Lambda layer) that Keras' safe mode refuses to run. If you trust its source, load "
        "it in Python with safe_mode=False, and use kl.mask, kl.prune and kl.export."
    )


def _unreadable(path: Path, error: Exception) -> LotteryError:
    return LotteryError(
        f"Expected a .keras file that Keras can load. Received: {path}: "
        f"{reason_of(error)} Save it again; a model of classes of your own is "
        "pruned in Python, with kl.prune."
    )


def compile_loaded(model: Any, path: Path, loss: str | None, optimizer: str | None = None) -> None:
    """Compiles a loaded model with the loss and the optimizer that are named.

    Args:
        model: the model, compiled as its file was.
        path: of the file, for errors.
        loss: Keras name of the loss; None: the file's.
        optimizer: Keras name of the optimizer; None: the file's, or Adam if it has none.

    Raises:
        LotteryError: a name is unknown, or there is no loss.
    """
    import keras

    if loss is None and getattr(model, "loss", None) is None:
        raise LotteryError(
            f"Expected a compiled model. Received: {path}, which has no loss. Name one with "
            "--loss, such as --loss=sparse_categorical_crossentropy."
        )
    if loss is None and optimizer is None:
        return
    model.compile(
        optimizer=_named("optimizer", "adam", optimizer, keras.optimizers.get)
        or getattr(model, "optimizer", None)
        or "adam",
        loss=_named("loss", "mse", loss, keras.losses.get) or model.loss,
    )


def _named(kind: str, example: str, name: str | None, get: Callable[[str], Any]) -> Any:
    try:
        return None if name is None else get(name)
    except ValueError as error:
        raise LotteryError(
            f"Expected the Keras name of a{'n' if kind[0] == 'o' else ''} {kind}, such as "
            f"{example}. Received: --{kind}={name}. Check it."
        ) from error


def read_examples(path: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    """Returns the arrays `x` and `y` of an `.npz` file.

    Raises:
        LotteryError: the file cannot be read, or lacks one, their lengths differ, or they hold
            anything but finite numbers.
    """
    advice = "Write it with numpy.savez(file, x=..., y=...)."
    arrays = read_npz(path, advice)
    if missing := {"x", "y"} - arrays.keys():
        raise LotteryError(
            f"Expected the arrays x and y in {path}. Received: no {min(missing)}. {advice}"
        )
    x, y = arrays["x"], arrays["y"]
    if x.ndim < 1 or x.shape[:1] != y.shape[:1] or not len(x):
        raise LotteryError(
            f"Expected as many targets as examples, one at least. Received: x of shape {x.shape} "
            f"and y of shape {y.shape} in {path}. Write the file again."
        )
    for name, array in (("x", x), ("y", y)):
        _check_numbers(name, array, path)
    return x, y


def _check_numbers(name: str, array: NDArray[Any], path: Path) -> None:
    if array.dtype.kind not in "biuf":
        raise LotteryError(
            f"Expected real numbers in {path}. Received: {name} of dtype {array.dtype}. Convert it."
        )
    if not (finite := np.isfinite(array)).all():
        raise LotteryError(
            f"Expected finite numbers in {path}. Received: {name} with {int((~finite).sum())} of "
            f"{finite.size} NaN or infinite. Replace them, or leave these examples out."
        )


@contextmanager
def fitting(x: NDArray[Any], y: NDArray[Any]) -> Iterator[None]:
    """Blames the data for whatever the layers, the loss and the backend raise.

    Raises:
        LotteryError: something was raised.
    """
    try:
        yield
    except LotteryError:
        raise
    except Exception as error:
        raise LotteryError(
            f"Expected data on which the model can be trained. Received: x of shape {x.shape} and "
            f"y of shape {y.shape}: {reason_of(error)} Check --data and --loss."
        ) from error
