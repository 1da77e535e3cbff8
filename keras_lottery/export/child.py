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
    """Runs `python -m module` on `request` and returns its answer.

    Args:
        module: a module that ends in `main(work)`.
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
    question.write_text(json.dumps(request))
    done = subprocess.run(
        [sys.executable, "-m", module, str(question), str(answer)],
        env=environment(os.environ, backend) | dict(extra or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    received: Request = json.loads(answer.read_text()) if answer.exists() else {}
    if done.returncode or "error" in received:
        last = (done.stderr.strip().splitlines() or ["nothing on standard error"])[-1]
        reason = received.get("error") or f"exit code {done.returncode}, {last}."
        raise LotteryError(
            f"Expected {expected}. Received, from a fresh process on the {backend} backend: "
            f"{reason} Nothing was written."
        )
    return received


def environment(given: Mapping[str, str], backend: str) -> dict[str, str]:
    """Returns the child's environment: its backend, the CPU, this process's import path.

    Legacy Keras stays off, because the model is one of Keras 3; accelerators stay free, because
    the parent may hold all of their memory.
    """
    kept = {key: value for key, value in given.items() if key != "TF_USE_LEGACY_KERAS"}
    return kept | {
        "KERAS_BACKEND": backend,
        "CUDA_VISIBLE_DEVICES": "-1",
        "JAX_PLATFORMS": "cpu",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
    }


def main(work: Callable[[Request], Request]) -> None:
    """Runs `work` on the request file named on the command line; writes its answer or its error."""
    question, answer = map(Path, sys.argv[1:3])
    try:
        received = work(json.loads(question.read_text()))
    except Exception as error:
        traceback.print_exc()
        received = {"error": f"{type(error).__name__}: {reason_of(error)}"}
    answer.write_text(json.dumps(received))


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
