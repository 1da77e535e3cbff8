"""Work in a separate, fresh process on another backend."""

import json
import os
import subprocess
import sys
import tempfile
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
    """A fresh Python that imports the runtime it needs while its first request is being prepared.

    It imports nothing from the current folder. User modules imported here are loaded from the same
    files. It ends when this process does.

    Args:
        backend: the Keras backend of the child.
        folder: its temporary files, since a process that is killed doesn't remove those that
            TensorFlow's AutoGraph wrote. None: as in this process.
        extra: additional environment variables of the child.
        preload: a module to import at once.
    """

    def __init__(
        self,
        backend: str,
        folder: Path | None = None,
        extra: Mapping[str, str] | None = None,
        preload: str = "",
    ) -> None:
        temporary = {"TMPDIR": str(folder)} if folder else {}
        self._errors = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-P", bootstrap.__file__, preload],
            env=environment(os.environ, backend) | temporary | dict(extra or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self._write({"modules": user_modules(), "path": search_path(sys.path)})

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()

    def send(self, work: str, request: Request) -> None:
        """Asks for work; the child does what it is asked for in order.

        Args:
            work: `"module:function"`, a function from request to answer.
            request: JSON values.
        """
        self._write([work, request])

    def receive(self, expected: str) -> Request:
        """Waits for the next answer.

        Args:
            expected: what was expected, for the error if the child fails.

        Raises:
            LotteryError: the child failed; the error has its reason.
            OSError: the disk is full.
        """
        line = self._process.stdout.readline()  # type: ignore[union-attr]
        received: Request = json.loads(line) if line.endswith("\n") else {"error": self._end()}
        if "errno" in received:
            raise OSError(received["errno"], os.strerror(received["errno"]))
        if "error" in received:
            raise LotteryError(
                f"Expected {expected}. Received, from a fresh process: {received['error']} Nothing "
                "was written."
            )
        return received

    def _end(self) -> str:
        """Returns how the child ended."""
        code = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().strip().splitlines()
        return f"exit code {code}, {(lines or ['nothing on standard error'])[-1]}."

    def _write(self, message: Any) -> None:
        """Writes a line to the child; if it has died, its exit code and errors say why."""
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(message) + "\n")  # type: ignore[union-attr]
            self._process.stdin.flush()  # type: ignore[union-attr]


def run_child(work: str, request: Request, backend: str, expected: str) -> Request:
    """Runs `work` on `request` in a fresh Python and returns its answer; see `Child`."""
    with Child(backend) as child:
        child.send(work, request)
        return child.receive(expected)


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


def answer(work: Callable[[Request], Request], request: Request) -> Request:
    """Runs `work` on the request; returns what it returns, or its error."""
    try:
        return work(request)
    except Exception as error:
        traceback.print_exc()
        received: Request = {"error": f"{type(error).__name__}: {reason_of(error)}"}
        if full := full_disk(error):
            received["errno"] = full.errno
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
