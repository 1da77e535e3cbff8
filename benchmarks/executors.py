"""Two workers with one thread each against one training at a time on all cores.

    KERAS_BACKEND=jax python -m benchmarks.executors [--pairs 5] [--data-dir FOLDER]

Each run is a separate command in a new folder, as a user starts it, without the report. *Training
alone* is the time from the first step of the first training until the last training has ended:
imports, the start of the workers and the first compilation are left out; the time that a worker
waits counts. Compiled programs and decoded data sets are in the cache already.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.command import Measured, Options, backend_name, main
from benchmarks.compare import Sample
from benchmarks.table import Row
from keras_lottery.records import ResultRow, read_config, read_results
from keras_lottery.records.run_paths import RunPaths

ABOUT = "Trainings in two worker processes, one thread each, against one at a time on all cores."
PAIRS = 5
EXECUTORS = {
    "processes": ("--executor=processes", "--workers=2", "--threads=1"),
    "sequential": ("--executor=sequential",),
}


@dataclass(frozen=True)
class Case:
    """A shortened experiment.

    Args:
        name: for the table.
        flags: of `keras-lottery run`.
        limit: upper limit of the ratio of the times of training alone.
    """

    name: str
    flags: tuple[str, ...]
    limit: float


@dataclass(frozen=True)
class Timing:
    """The times of one run, in seconds.

    Args:
        whole: wall time of the command.
        training: from the first step of the first training until the last training has ended.
        trainings: number of trainings.
    """

    whole: float
    training: float
    trainings: int


def quickstart(quick: bool) -> Case:
    """The quickstart with two of its seeds and half of its rounds."""
    flags = ["--config=quickstart", "--seeds=0,1", "--config.prune.rounds=4"]
    if quick:
        flags = ["--config=quickstart", "--seeds=0", "--config.prune.rounds=1"]
        flags += ["--config.arms=('winning',)", "--config.model.hidden=(8,)", short(100)]
    return Case("quickstart", tuple(flags), 1 / 1.7)


def lenet(data_dir: str) -> Case:
    """LeNet-300-100 with its two arms that need no draws: on MNIST, or on the embedded digits."""
    flags = ["--config=frankle2019/lenet_mnist", "--seeds=0,1", "--config.prune.rounds=2"]
    flags += ["--config.arms=('winning', 'reinit')", "--config.draws=1", short(1000)]
    if data_dir:
        flags += [f"--config.data.dir={data_dir}"]
        return Case("LeNet-300-100 on MNIST", tuple(flags), 1 / 1.3)
    flags += ["--config.data.name=digits", "--config.data.validation_size=200"]
    return Case("LeNet-300-100 on digits", tuple(flags), 1 / 1.3)


def short(steps: int) -> str:
    """Returns the flag for a number of steps."""
    return f"--config.train.length={steps}it"


def measure(options: Options) -> Measured:
    """Returns the rows of training alone and of the whole command, and what `auto` chooses."""
    cases = [quickstart(options.quick)]
    if not options.quick:
        cases.append(lenet(options.data_dir))
    rows, notes = [], []
    for case in cases:
        if not options.quick:
            notes.append(f"`--executor=auto` takes {prepare(case)} for {case.name}.  ")
        rows += compare(case, options.pairs)
    return Measured(rows, notes)


def prepare(case: Case) -> str:
    """Fills the caches with short runs; returns the executor that `auto` chooses."""
    flags = [flag for flag in case.flags if "train.length" not in flag]
    with tempfile.TemporaryDirectory() as out:
        run((*flags, *EXECUTORS["sequential"], short(100)), out)
        folder = run((*flags, short(100), "--config.name=auto"), out)
        return str(read_config(RunPaths(folder))["config"]["executor"])


def compare(case: Case, pairs: int) -> list[Row]:
    """Runs the executors alternately; every other pair in reverse order."""
    timings: dict[str, list[Timing]] = {name: [] for name in EXECUTORS}
    for pair in range(pairs):
        for name in list(EXECUTORS) if pair % 2 == 0 else reversed(list(EXECUTORS)):
            timings[name].append(timed((*case.flags, *EXECUTORS[name])))
    alone = {name: np.array([t.training for t in times]) for name, times in timings.items()}
    whole = {name: np.array([t.whole for t in times]) for name, times in timings.items()}
    trainings = timings["sequential"][0].trainings
    names = ("processes", "sequential")
    rates = [f"{n}: {trainings / np.median(alone[n]):.3g} trainings/s" for n in names]
    walls = [f"{n}: {np.median(whole[n]):.3g} s" for n in names]
    label = f"{case.name}, {trainings} trainings"
    return [
        Row.of(f"{label}: training alone", rates[0], rates[1], ratio(alone), case.limit),
        Row.of(f"{label}: whole command, without the report", walls[0], walls[1], ratio(whole)),
    ]


def ratio(seconds: dict[str, np.ndarray]) -> Sample:
    """Returns the ratio of each pair."""
    return Sample(seconds["processes"] / seconds["sequential"])


def timed(flags: Sequence[str]) -> Timing:
    """Runs an experiment in a new folder."""
    with tempfile.TemporaryDirectory() as out:
        began = time.perf_counter()
        folder = run(flags, out)
        whole = time.perf_counter() - began
        paths = RunPaths(folder)
        rows = read_results(paths.results)
        return Timing(whole, training_seconds(rows, ends(paths, rows)), len(rows))


def run(flags: Sequence[str], out: str) -> Path:
    """Runs an experiment through the command line; returns its folder."""
    command = [sys.executable, "-m", "keras_lottery", "run", *flags, f"--out={out}", "--noreport"]
    command.append(f"--backend={backend_name()}")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    return Path(done.stdout.rpartition("run folder: ")[2].strip())


def ends(paths: RunPaths, rows: Sequence[ResultRow]) -> list[float]:
    """Returns when the driver had each training's result: it writes the history right then."""
    return [os.stat(paths.history(row.training)).st_mtime for row in rows]


def training_seconds(rows: Sequence[ResultRow], ends: Sequence[float]) -> float:
    """Returns the time from the first step of the first training to the last end."""
    return max(ends) - min(end - row.seconds for row, end in zip(rows, ends, strict=True))


if __name__ == "__main__":
    main("executors", ABOUT, measure, keras=True, pairs=PAIRS)
