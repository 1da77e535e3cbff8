"""Work in a separate, fresh process on another backend."""

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError, reason_of
from keras_lottery.exporters.exporter import Arrays, Request
from keras_lottery.exporters.subprocess import bootstrap
from keras_lottery.files import full_disk

_PREFIX = "array_"  # keeps names of arrays apart from np.savez's parameters, such as `file`
_INSTALLED = {"site-packages", "dist-packages"}


class Child:
    """A fresh Python that imports the runtime it needs while its request is being prepared.

    It imports nothing from the current folder. User modules imported here are loaded from the same
    files.

    Args:
        work: `"module:function"`, a function from request to answer.
        folder: folder for request, answer and standard error.
        backend: the Keras backend of the child.
        extra: additional environment variables of the child.
        preload: a module to import at once.
    """

    def __init__(
        self,
        work: str,
        folder: Path,
        backend: str,
        extra: Mapping[str, str] | None = None,
        preload: str = "",
    ) -> None:
        name = work.rpartition(":")[2]
        self._question = folder / f"{name}.request.json"
        self._answer = folder / f"{name}.answer.json"
        self._errors = folder / f"{name}.errors"
        with self._errors.open("w") as errors:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-P", bootstrap.__file__),
                    *(work, str(self._question), str(self._answer), preload),
                ],
                env=environment(os.environ, backend) | dict(extra or {}),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                text=True,
            )
        self._send(json.dumps({"modules": user_modules(), "path": search_path(sys.path)}))

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()

    def ask(self, request: Request, expected: str) -> Request:
        """Returns the answer to the request.

        Args:
            request: JSON values.
            expected: what was expected, for the error if the child fails.

        Raises:
            LotteryError: the child failed; the error has its reason.
            OSError: the disk is full.
        """
        self._question.write_text(json.dumps(request))
        self._send("go")
        code = self._process.wait()
        received = _read(self._answer)
        if received and "errno" in received:
            raise OSError(received["errno"], os.strerror(received["errno"]))
        if received is None or code or "error" in received:
            lines = self._errors.read_text(errors="replace").strip().splitlines()
            last = (lines or ["nothing on standard error"])[-1]
            reason = (received or {}).get("error") or f"exit code {code}, {last}."
            raise LotteryError(
                f"Expected {expected}. Received, from a fresh process: {reason} Nothing was "
                "written."
            )
        return received

    def _send(self, line: str) -> None:
        """Writes a line to the child; if it has died, its exit code and errors say why."""
        with suppress(BrokenPipeError):
            self._process.stdin.write(f"{line}\n")  # type: ignore[union-attr]
            self._process.stdin.flush()  # type: ignore[union-attr]


def run_child(
    work: str,
    request: Request,
    folder: Path,
    backend: str,
    expected: str,
    extra: Mapping[str, str] | None = None,
) -> Request:
    """Runs `work` on `request` in a fresh Python and returns its answer; see `Child`."""
    with Child(work, folder, backend, extra) as child:
        return child.ask(request, expected)


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
        if full := full_disk(error):
            received["errno"] = full.errno
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
    stored = {f"{_PREFIX}{name}": _plain(value) for name, value in values.items()}
    np.savez(path, **stored)  # type: ignore[arg-type]


def load_arrays(path: Path) -> Arrays:
    """Reads arrays written by `save_arrays`."""
    with np.load(path, allow_pickle=False) as file:
        return {name.removeprefix(_PREFIX): value for name, value in file.items()}


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
    if spec.has_location and spec.origin and _INSTALLED & set(spec.origin.split(os.sep)):
        return None  # most modules, without a look at the disk
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
