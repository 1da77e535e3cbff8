"""Runs Python in separate processes that don't have to import Keras again.

A server imports Keras once, does nothing with it, and forks each process. The import takes longer
than most of what tests check in another process.
"""

import multiprocessing
import os
import runpy
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import IO

import keras
import pytest

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["keras"])


@dataclass(frozen=True)
class Finished:
    """Exit code and output of a process."""

    returncode: int
    stdout: str
    stderr: str


def run(*command: object, cwd: str | Path = ".", **environment: str) -> Finished:
    """Runs `python *command` on the backend in use: `-c code …`, `-m module …` or `path …`."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = _start(command, cwd, environment, out.fileno(), err.fileno())
        process.join()
        out.seek(0), err.seek(0)
        assert process.exitcode is not None
        return Finished(process.exitcode, out.read().decode(), err.read().decode())


def start(*command: object) -> tuple[ForkServerProcess, IO[str]]:
    """Starts what `run` runs; returns the process and its output as it comes."""
    reader, writer = os.pipe()
    process = _start(command, ".", {}, writer, writer)
    os.close(writer)
    return process, os.fdopen(reader)


def _start(
    command: Sequence[object], cwd: str | Path, environment: dict[str, str], out: int, err: int
) -> ForkServerProcess:
    outputs = [Connection(os.dup(one), readable=False) for one in (out, err)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_BACKEND", keras.config.backend())  # the server reads it when it starts
        environment = os.environ | environment
        arguments = (list(map(str, command)), os.path.abspath(cwd), environment, outputs)
        process = _CONTEXT.Process(target=_become, args=arguments)
        process.start()
    return process


def _become(
    command: Sequence[str], cwd: str, environment: dict[str, str], outputs: Sequence[Connection]
) -> None:
    """Turns this process into `python *command`."""
    for descriptor, output in enumerate(outputs, start=1):
        os.dup2(output.fileno(), descriptor)
        output.close()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    tempfile.tempdir = None  # TMPDIR may be another
    kind, *rest = command
    sys.argv = [kind, *rest[1:]] if kind in ("-c", "-m") else list(command)
    if kind == "-c":
        exec(compile(rest[0], "<string>", "exec"), {"__name__": "__main__"})
    elif kind == "-m":
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(kind, run_name="__main__")
