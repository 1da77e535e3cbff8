"""Runs Python in separate processes that don't have to import Keras again.

A server for each backend imports Keras once, does nothing with it, and forks each process. The
import takes longer than most of what tests check in another process.
"""

import functools
import json
import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import IO

import keras
import pytest

_CONTEXT = multiprocessing.get_context("forkserver")
# TensorFlow reads it when it is imported.
_LEGACY = "TF_USE_LEGACY_KERAS"


@dataclass(frozen=True)
class Finished:
    """Exit code and output of a process."""

    returncode: int
    stdout: str
    stderr: str


def run(*command: object, cwd: str | Path = ".", **environment: str) -> Finished:
    """Runs `python *command` on the backend in use: `-c code …`, `-m module …` or `path …`.

    With a PYTHONPATH among the variables of its environment it is `python -P *command`.
    """
    path = _search_path(environment["PYTHONPATH"]) if "PYTHONPATH" in environment else []
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        streams = {1: out.fileno(), 2: err.fileno()}
        process = _start(command, cwd, _here() | environment, streams, path=path)
        process.join()
        out.seek(0), err.seek(0)
        assert process.exitcode is not None
        return Finished(process.exitcode, out.read().decode(), err.read().decode())


class Popen:
    """What `subprocess.Popen` is to a child process of an export: `python -P script …`.

    It has the search path of a new interpreter, and no module of the tests.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        stderr: IO[str],
        **_: object,  # standard input and output are pipes of text
    ) -> None:
        reader, orders = os.pipe()
        answers, writer = os.pipe()
        # What runs in TensorFlow alone finds it imported.
        backend = "tensorflow" if command[-1] == "tensorflow" else env["KERAS_BACKEND"]
        streams = {0: reader, 1: writer, 2: stderr.fileno()}
        path = _search_path(env["PYTHONPATH"])
        self._process = _start(command[2:], ".", dict(env), streams, backend, path)
        os.close(reader), os.close(writer)
        self.stdin, self.stdout = os.fdopen(orders, "w"), os.fdopen(answers)

    def wait(self) -> int | None:
        self._process.join()
        return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()


def _here() -> dict[str, str]:
    return os.environ | {"KERAS_BACKEND": keras.config.backend()}


def _start(
    command: Sequence[object],
    cwd: str | Path,
    environment: dict[str, str],
    streams: Mapping[int, int],
    backend: str = "",
    path: Sequence[str] = (),
) -> ForkServerProcess:
    connections = {
        number: Connection(os.dup(one), readable=number == 0, writable=number > 0)
        for number, one in streams.items()
    }
    backend = backend or environment["KERAS_BACKEND"]
    server = _server(backend, environment.get(_LEGACY))
    arguments = (list(map(str, command)), os.path.abspath(cwd), environment, connections, path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forkserver, "connect_to_new_process", server.connect_to_new_process)
        process = _CONTEXT.Process(target=_become, args=arguments)
        process.start()
    return process


@functools.cache
def _server(backend: str, legacy: str | None) -> forkserver.ForkServer:
    server = forkserver.ForkServer()
    server.set_forkserver_preload(["keras"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_BACKEND", backend)
        patch.delenv(_LEGACY, raising=False)
        if legacy is not None:
            patch.setenv(_LEGACY, legacy)
        server.ensure_running()
    return server


@functools.cache
def _search_path(first: str) -> list[str]:
    """Returns where a new interpreter with a PYTHONPATH finds modules."""
    command = [sys.executable, "-P", "-c", "import json, sys; print(json.dumps(sys.path))"]
    environment = os.environ | {"PYTHONPATH": first}
    found = subprocess.run(command, env=environment, capture_output=True, check=True)
    return list(json.loads(found.stdout))


def _become(
    command: Sequence[str],
    cwd: str,
    environment: dict[str, str],
    streams: Mapping[int, Connection],
    path: Sequence[str],
) -> None:
    """Turns this process into `python *command`."""
    for descriptor, stream in streams.items():
        os.dup2(stream.fileno(), descriptor)
        stream.close()
    if 0 in streams:
        sys.stdin = os.fdopen(0)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    tempfile.tempdir = None  # TMPDIR may be another
    if path:
        sys.path[:] = path
        for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
            del sys.modules[name]
    kind, *rest = command
    sys.argv = [kind, *rest[1:]] if kind in ("-c", "-m") else list(command)
    if kind == "-c":
        exec(compile(rest[0], "<string>", "exec"), {"__name__": "__main__"})
    elif kind == "-m":
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(kind, run_name="__main__")
