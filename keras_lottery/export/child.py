"""Work in a process of its own: on another backend, free of what this one has loaded."""

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError
from keras_lottery.export import bootstrap
from keras_lottery.export.origin import search_path, user_modules
from keras_lottery.export.reason import reason_of

Request = dict[str, Any]
Arrays = dict[str, NDArray[Any]]


def run_child(
    module: str,
    request: Request,
    folder: Path,
    backend: str,
    expected: str,
    extra: Mapping[str, str] | None = None,
) -> Request:
    """Runs `module.work` on `request` in a fresh Python and returns its answer.

    The child imports nothing from the current folder. The user's modules that are imported here
    are loaded from the same files.

    Args:
        module: a module with a function `work` from request to answer.
        request: JSON values.
        folder: where request and answer are exchanged.
        backend: the Keras backend of the child.
        expected: what the error says was expected where the child fails.
        extra: further variables of the child's environment.

    Raises:
        LotteryError: with the reason that the child gave.
    """
    name = module.rpartition(".")[2]
    question, answer = folder / f"{name}.request.json", folder / f"{name}.answer.json"
    origin = {"modules": user_modules(), "path": search_path(sys.path)}
    question.write_text(json.dumps(request | origin))
    done = subprocess.run(
        [sys.executable, "-P", bootstrap.__file__, module, str(question), str(answer)],
        env=environment(os.environ, backend) | dict(extra or {}),
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    received = _read(answer)
    if received is None or done.returncode or "error" in received:
        last = (done.stderr.strip().splitlines() or ["nothing on standard error"])[-1]
        reason = (received or {}).get("error") or f"exit code {done.returncode}, {last}."
        raise LotteryError(
            f"Expected {expected}. Received, from a fresh process on the {backend} backend: "
            f"{reason} Nothing was written."
        )
    return received


def environment(given: Mapping[str, str], backend: str) -> dict[str, str]:
    """Returns the child's environment: its backend, the CPU, no import from the current folder.

    Legacy Keras stays off, because the model is one of Keras 3; accelerators stay free, because
    the parent may hold all of their memory.
    """
    kept = {key: value for key, value in given.items() if key != "TF_USE_LEGACY_KERAS"}
    folders = search_path(given.get("PYTHONPATH", "").split(os.pathsep))
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
    """Returns a child's answer; None where it is missing or cut off, as by a full disk."""
    try:
        received: Request = json.loads(answer.read_text())
    except (OSError, ValueError):
        return None
    return received


def save_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Writes arrays by name; bfloat16, which the file cannot hold, as float32."""
    values = {name: np.asarray(value) for name, value in arrays.items()}
    np.savez(path, **{k: _plain(v) for k, v in values.items()})  # type: ignore[arg-type]


def load_arrays(path: Path) -> Arrays:
    """Reads what `save_arrays` wrote."""
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


def _plain(value: NDArray[Any]) -> NDArray[Any]:
    return value.astype(np.float32) if str(value.dtype) == "bfloat16" else value
