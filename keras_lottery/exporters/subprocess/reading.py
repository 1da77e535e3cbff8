"""Reloading an artifact in a fresh process: outputs, stored tensors, latency."""

import dataclasses
import importlib
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

import numpy as np

from keras_lottery.exporters.exporter import Arrays, Exporter, Job, Loaded, Reloaded, Request
from keras_lottery.exporters.report import StoredVariable
from keras_lottery.exporters.subprocess.child import Child, load_arrays, save_arrays

BATCHES = (1, 32)
# Latency is that of one thread, so that runtimes compare and busy machines matter less.
_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false".strip(),
}
_SECONDS, _FEWEST, _MOST = 0.3, 3, 50


class Reader:
    """A process that reads one artifact, started before the artifact is written.

    Args:
        exporter: the format, whose runtime it imports meanwhile.
        backend: the Keras backend of the process.
    """

    def __init__(self, exporter: Exporter, backend: str) -> None:
        self._exporter = exporter
        self._exchange = TemporaryDirectory(prefix="keras_lottery_")
        self._folder = folder = Path(self._exchange.name)
        self._child = Child(f"{__name__}:read", folder, backend, _ONE_THREAD, exporter.runtime)

    def __enter__(self) -> "Reader":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._child.__exit__(kind, error, trace)
        self._exchange.cleanup()

    def read(self, parts: Sequence[Job]) -> Reloaded:
        """Loads the artifact, runs it on the subject's inputs, and times it.

        Args:
            parts: the artifact, and the dense network to time next to it, if there is one.

        Raises:
            LotteryError: the artifact does not load or run.
        """
        inputs, outputs = self._folder / "inputs.npz", self._folder / "outputs.npz"
        subject = parts[0].subject
        save_arrays(inputs, subject.inputs)
        free = all(spec.shape[:1] == (None,) for spec in subject.signature.inputs)
        request = {
            "parts": {name: located(part) for name, part in zip(("artifact", "dense"), parts)},
            "inputs": str(inputs),
            "outputs": str(outputs),
            "batches": BATCHES if free else [],
        }
        where = self._exporter.runtime or "this package"
        answer = self._child.ask(request, f"an artifact that {where} can load and run")
        return Reloaded(
            load_arrays(outputs) if outputs.exists() else None,
            tuple(StoredVariable.from_json(value) for value in answer["variables"]),
            {
                name: {int(batch): value for batch, value in times.items()}
                for name, times in answer["latency"].items()
            },
            tuple(answer["notes"]),
        )


def located(part: Job) -> Request:
    """Returns where another process finds an artifact and its exporter; see `load`."""
    kind = type(part.exporter)
    location = f"{kind.__module__}:{kind.__qualname__}"
    extra = part.exporter.reading(part.subject, part.artifact)
    return {"exporter": location, "artifact": str(part.artifact), "extra": extra}


def exporter_at(location: str) -> Exporter:
    """Creates the exporter of a `"module:class"`."""
    module, _, name = location.partition(":")
    created: Exporter = getattr(importlib.import_module(module), name)()
    return created


def load(part: Request) -> Loaded:
    """Loads what `located` describes."""
    return exporter_at(part["exporter"]).load(Path(part["artifact"]), part["extra"])


def read(request: Request) -> Request:
    """Loads the parts of a request; writes the artifact's outputs, returns tensors and times."""
    loaded = {name: load(part) for name, part in request["parts"].items()}
    artifact, latency = loaded["artifact"], {}
    if artifact.call is not None:
        inputs = load_arrays(Path(request["inputs"]))
        save_arrays(Path(request["outputs"]), artifact.call(inputs))
        latency = _latencies(loaded, inputs, request["batches"])
    stored = sorted(artifact.tensors(), key=lambda item: item[0])
    variables = [dataclasses.asdict(StoredVariable.of(name, value)) for name, value in stored]
    return {"variables": variables, "latency": latency, "notes": artifact.notes}


def _latencies(
    loaded: Mapping[str, Loaded], inputs: Arrays, batches: list[int]
) -> dict[str, dict[int, float]]:
    """Returns median milliseconds of a call, by part and batch size.

    The parts take turns, so that a busy machine slows down all of them.
    """
    calls = {name: part.call for name, part in loaded.items() if part.call is not None}
    found: dict[str, dict[int, float]] = {name: {} for name in calls}
    for batch in batches:
        given = {name: np.resize(v, (batch, *v.shape[1:])) for name, v in inputs.items()}
        try:
            times = _alternately(calls, given)
        except Exception:  # a runtime whose graph has the batch size that it was written with
            continue
        for name, value in times.items():
            found[name][batch] = value
    return found


def _alternately(calls: Mapping[str, Callable[[Arrays], Any]], inputs: Arrays) -> dict[str, float]:
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call(inputs)  # compiles, allocates
    start, rounds = time.perf_counter(), 0
    while rounds < _FEWEST or (rounds < _MOST and time.perf_counter() - start < _SECONDS):
        for name, call in calls.items():
            before = time.perf_counter()
            call(inputs)
            seconds[name].append(time.perf_counter() - before)
        rounds += 1
    return {name: 1e3 * statistics.median(values) for name, values in seconds.items()}
