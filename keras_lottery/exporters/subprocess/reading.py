"""Reloading an artifact in a fresh process: outputs, stored tensors, latency."""

import dataclasses
import gc
import importlib
import os
import statistics
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from keras_lottery.exporters.exporter import (
    Arrays,
    Exporter,
    Job,
    Loaded,
    Reloaded,
    Request,
    Subject,
)
from keras_lottery.exporters.report import StoredVariable
from keras_lottery.exporters.sizes import plain_bytes
from keras_lottery.exporters.subprocess.child import Child, load_arrays, save_arrays

BATCHES = (1, 32)
# Latency is that of one thread, so that runtimes compare and busy machines matter less.
_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false".strip(),
}
_SECONDS, _FEWEST, _MOST = 0.2, 3, 50
_TOGETHER = 512 << 20  # bytes of the parts that are in memory at the same time

Seconds = dict[str, dict[int, list[float]]]


class Reader:
    """A process that reads one artifact, started before the artifact is written.

    Args:
        exporter: the format, whose runtime it imports meanwhile.
        backend: the Keras backend in use, for formats that Keras reads.
        folder: folder for exchanged files.
    """

    def __init__(self, exporter: Exporter, backend: str, folder: Path) -> None:
        self._exporter, self._folder = exporter, folder
        self._backend = "tensorflow" if exporter.runtime == "tensorflow" else backend
        self._child: Child | None = None

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *error: object) -> None:
        if self._child is not None:
            self._child.__exit__(*error)

    def start(self) -> Child:
        """Starts the process, unless it is running."""
        if self._child is None:
            runtime = self._exporter.runtime
            self._child = Child(self._backend, self._folder, _ONE_THREAD, runtime)
        return self._child

    def read(self, parts: Iterable[Request], subject: Subject) -> Reloaded:
        """Loads the artifact, runs it on the subject's inputs, and times it.

        Args:
            parts: where the artifact is and, if there is one, the dense network to time next to
                it; see `located`. The artifact is read before the second is asked for.
            subject: the inputs.

        Raises:
            LotteryError: the artifact does not load or run.
        """
        child, coming = self.start(), iter(parts)
        files = {name: str(self._folder / f"{name}.npz") for name in ("inputs", "outputs")}
        save_arrays(Path(files["inputs"]), subject.inputs)
        artifact = next(coming)
        child.send(f"{__name__}:read", {"part": artifact, **files})
        named = dict(zip(("artifact", "dense"), (artifact, *coming)))
        free = all(spec.shape[:1] == (None,) for spec in subject.signature.inputs)
        batches = BATCHES if free else []
        child.send(f"{__name__}:time_parts", {"parts": named, "batches": batches, **files})
        where = self._exporter.runtime or "this package"
        expected = f"an artifact that {where} can load and run"
        answer, times = child.receive(expected), child.receive(expected)
        outputs = Path(files["outputs"])
        return Reloaded(
            load_arrays(outputs) if outputs.exists() else None,
            tuple(StoredVariable.from_json(value) for value in answer["variables"]),
            {
                name: {int(batch): value for batch, value in latency.items()}
                for name, latency in times.items()
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


_loaded: dict[str, Loaded] = {}  # the artifact, in the process that reads it


def read(request: Request) -> Request:
    """Loads an artifact, and keeps it; writes its outputs, and returns its tensors."""
    loaded = load(request["part"])
    variables = []
    for name, value in loaded.tensors():
        variables.append(dataclasses.asdict(StoredVariable.of(name, value)))
        del value
    variables.sort(key=lambda variable: variable["path"])
    if loaded.call is not None:
        inputs = load_arrays(Path(request["inputs"]))
        save_arrays(Path(request["outputs"]), loaded.call(inputs))
        _loaded["artifact"] = loaded
    return {"variables": variables, "notes": loaded.notes}


def time_parts(request: Request) -> Request:
    """Returns the times of the artifact that was read and of the dense network."""
    if not _loaded:
        return {}
    inputs = load_arrays(Path(request["inputs"]))
    return dict(_latencies(request["parts"], _loaded, inputs, request["batches"]))


def _latencies(
    parts: Mapping[str, Request], loaded: dict[str, Loaded], inputs: Arrays, batches: list[int]
) -> dict[str, dict[int, float]]:
    """Returns median milliseconds of a call, by part and batch size.

    The parts take turns, so that a busy machine slows down all of them: call by call or, if they
    are large, one in memory at a time: artifact, dense, artifact.

    Args:
        parts: where the parts are.
        loaded: the parts that are loaded; empty afterwards.
        inputs: a batch by input name.
        batches: the batch sizes.
    """
    seconds: Seconds = {name: {batch: [] for batch in batches} for name in parts}
    if sum(plain_bytes(Path(part["artifact"])) for part in parts.values()) <= _TOGETHER:
        loaded |= {name: load(part) for name, part in parts.items() if name not in loaded}
        _time(loaded, inputs, seconds, _SECONDS)
        loaded.clear()
    else:
        for name in (*parts, *list(parts)[:-1]):
            alone = {name: loaded.pop(name, None) or load(parts[name])}
            _time(alone, inputs, seconds, _SECONDS / 3)
            del alone
            gc.collect()
    return {
        name: {batch: 1e3 * statistics.median(values) for batch, values in times.items() if values}
        for name, times in seconds.items()
    }


def _time(loaded: Mapping[str, Loaded], inputs: Arrays, seconds: Seconds, duration: float) -> None:
    """Appends the seconds of calls, by part and batch size; the parts take turns.

    Args:
        loaded: the parts to call.
        inputs: a batch by input name.
        seconds: the lists to append to.
        duration: seconds to spend on each batch size.
    """
    calls = {name: part.call for name, part in loaded.items() if part.call is not None}
    for batch in next(iter(seconds.values())):
        given = {name: np.resize(v, (batch, *v.shape[1:])) for name, v in inputs.items()}
        try:
            for call in calls.values():
                call(given)  # compiles, allocates
        except Exception:  # a runtime whose graph has the batch size that it was written with
            continue
        start, rounds = time.perf_counter(), 0
        while rounds < _FEWEST or (rounds < _MOST and time.perf_counter() - start < duration):
            for name, call in calls.items():
                before = time.perf_counter()
                call(given)
                seconds[name][batch].append(time.perf_counter() - before)
            rounds += 1
