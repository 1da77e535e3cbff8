"""Work in a separate, fresh process on another backend."""

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError, reason_of
from keras_lottery.exporters.exporter import Reloaded, Subject
from keras_lottery.exporters.report import StoredVariable
from keras_lottery.exporters.subprocess import bootstrap

Request = dict[str, Any]
Arrays = dict[str, NDArray[Any]]
_INSTALLED = {"site-packages", "dist-packages"}


def run_child(
    work: str,
    request: Request,
    folder: Path,
    backend: str,
    expected: str,
    extra: Mapping[str, str] | None = None,
) -> Request:
    """Runs `work` on `request` in a fresh Python and returns its answer.

    The child imports nothing from the current folder. User modules imported here are loaded from
    the same files.

    Args:
        work: `"module:function"`, a function from request to answer.
        request: JSON values.
        folder: folder for request and answer.
        backend: the Keras backend of the child.
        expected: what was expected, for the error if the child fails.
        extra: additional environment variables of the child.

    Raises:
        LotteryError: the child failed; the error has its reason.
    """
    name = work.rpartition(":")[2]
    question, answer = folder / f"{name}.request.json", folder / f"{name}.answer.json"
    origin = {"modules": user_modules(), "path": search_path(sys.path)}
    question.write_text(json.dumps(request | origin))
    process = subprocess.run(
        [sys.executable, "-P", bootstrap.__file__, work, str(question), str(answer)],
        env=environment(os.environ, backend) | dict(extra or {}),
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    received = _read(answer)
    if received is None or process.returncode or "error" in received:
        last = (process.stderr.strip().splitlines() or ["nothing on standard error"])[-1]
        reason = (received or {}).get("error") or f"exit code {process.returncode}, {last}."
        raise LotteryError(
            f"Expected {expected}. Received, from a fresh process on the {backend} backend: "
            f"{reason} Nothing was written."
        )
    return received


def reload_in_child(
    work: str,
    subject: Subject,
    artifact: Path,
    folder: Path,
    *,
    backend: str,
    expected: str,
    extra: Request | None = None,
) -> Reloaded:
    """Runs `work` on the artifact and the subject's inputs.

    The child reads `artifact` and `inputs`, writes `outputs`, and returns `variables`.

    Args:
        work: `"module:function"` that `run_child` can run.
        subject: the exported model with its inputs.
        artifact: the artifact to load.
        folder: folder for exchanged files.
        backend: the Keras backend of the child.
        expected: what was expected, for the error if the child fails.
        extra: additional entries of the request.

    Raises:
        LotteryError: the artifact does not load or run.
    """
    inputs, outputs = folder / "inputs.npz", folder / "outputs.npz"
    save_arrays(inputs, subject.inputs)
    request = {"artifact": str(artifact), "inputs": str(inputs), "outputs": str(outputs)}
    answer = run_child(work, request | (extra or {}), folder, backend, expected)
    variables = tuple(StoredVariable.from_json(value) for value in answer["variables"])
    return Reloaded(load_arrays(outputs), variables)


def environment(variables: Mapping[str, str], backend: str) -> dict[str, str]:
    """Returns the child's environment: its backend, the CPU, no import from the current folder.

    Legacy Keras stays off, because the model needs Keras 3. Accelerators are hidden, because the
    parent may hold all of their memory.
    """
    kept = {key: value for key, value in variables.items() if key != "TF_USE_LEGACY_KERAS"}
    folders = search_path(variables.get("PYTHONPATH", "").split(os.pathsep))
    return kept | {
        "KERAS_BACKEND": backend,
        "CUDA_VISIBLE_DEVICES": "-1",
        "JAX_PLATFORMS": "cpu",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONSAFEPATH": "1",  # for the processes that the child may start
        "PYTHONPATH": os.pathsep.join(folders),
    }


def answer(work: Callable[[Request], Request], request: Request, path: Path) -> None:
    """Runs `work` on the request; writes what it returns, or its error, to `path`."""
    try:
        received = work(request)
    except Exception as error:
        traceback.print_exc()
        received = {"error": f"{type(error).__name__}: {reason_of(error)}"}
    path.write_text(json.dumps(received))


def _read(answer: Path) -> Request | None:
    """Returns a child's answer; None if it is missing or truncated, e.g. by a full disk."""
    try:
        received: Request = json.loads(answer.read_text())
    except (OSError, ValueError):
        return None
    return received


def save_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Writes arrays by name; bfloat16, which the file doesn't support, as float32."""
    values = {name: np.asarray(value) for name, value in arrays.items()}
    np.savez(path, **{k: _plain(v) for k, v in values.items()})  # type: ignore[arg-type]


def load_arrays(path: Path) -> Arrays:
    """Reads arrays written by `save_arrays`."""
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


def _plain(value: NDArray[Any]) -> NDArray[Any]:
    return value.astype(np.float32) if str(value.dtype) == "bfloat16" else value


def user_modules() -> dict[str, bootstrap.Place]:
    """Returns file and submodule folders of imported modules that are not installed packages.

    Submodules are skipped, since they are found in their package's folders, unless the package has
    none, as with some test runners.
    """
    places: dict[str, bootstrap.Place] = {}
    for name, module in list(sys.modules.items()):
        top, parent = name.partition(".")[0], name.rpartition(".")[0]
        if top in sys.stdlib_module_names or top == "__main__":
            continue
        place = _place(module)
        if place is None or (parent and not _has_no_file(parent)):
            continue
        places[name] = place
        while parent:
            places.setdefault(parent, (None, []))
            parent = parent.rpartition(".")[0]
    return places


def search_path(folders: Iterable[str]) -> list[str]:
    """Returns the folders of a search path without the current one, however it is spelled."""
    current = os.path.realpath(os.curdir)
    absolute = [os.path.abspath(folder) for folder in folders if folder]
    return [folder for folder in absolute if os.path.realpath(folder) != current]


def _place(module: ModuleType) -> bootstrap.Place | None:
    """Returns the location of a module; None if it is installed, or has no file."""
    spec = getattr(module, "__spec__", None)
    if spec is None:
        return None
    folders = spec.submodule_search_locations
    places = [os.path.abspath(folder) for folder in folders or ()]
    file = os.path.abspath(spec.origin) if spec.has_location and spec.origin else None
    where = file or next(iter(places), "")
    if not os.path.exists(where) or _INSTALLED & set(Path(where).parts):
        return None
    return file, None if folders is None else places


def _has_no_file(name: str) -> bool:
    module = sys.modules.get(name)
    return module is not None and getattr(module, "__spec__", None) is None
