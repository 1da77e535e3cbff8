"""Trains the same networks with other packages and with this one, in turn.

    python -m benchmarks.peers.side_by_side \
        [--open-lth=CHECKOUT] [--jaxpruner=CHECKOUT] [--cleanrl=CHECKOUT] \
        [--torch-python=PYTHON] [--jaxpruner-python=PYTHON] [--cases=lenet,...] [--write]

CHECKOUT is a clone of the package, PYTHON the interpreter of a virtual environment that has what
it needs: torch and torchvision for OpenLTH, torch and gymnasium for CleanRL and for
`torch.nn.utils.prune`, which is always run; JAX 0.4.25, optax and flax for jaxpruner, which calls
functions that later versions removed. (Under torch 2.13, OpenLTH's `Model` must not name
`abc.ABC` before `torch.nn.Module`.) A package that isn't given is left out.

Every package is a process that is stopped until its turn (POSIX only). `one process` has one thread
per core, `one process per core` has one thread each, and they train one network each, as the
executor `processes` does. Each package's own loop, loader and network is used where it brings one;
in-memory arrays otherwise. --write puts each case, as soon as it
is measured, into benchmarks/peers/results.json and results.md, and leaves the others as they are.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, cast

import numpy as np

from benchmarks.compare import in_turn, ratios
from benchmarks.table import machine

ROOT = Path(__file__).resolve().parents[2]
WORKER = Path(__file__).with_name("worker.py")
PAGE = Path(__file__).with_name("results.md")
KEPT = PAGE.with_suffix(".json")
STEPS = {
    "lenet": 300,
    "conv2": 5,
    "resnet20": 3,
    "lstm": 50,
    "transformer": 50,
    "cartpole": 300,
}
PEERS = {
    "lenet": ("open_lth", "jaxpruner", "torch_prune"),
    "conv2": ("torch_prune",),
    "resnet20": ("open_lth", "torch_prune"),
    "lstm": ("torch_prune",),
    "transformer": ("torch_prune",),
    "cartpole": ("cleanrl",),
}
NAMES = {
    "open_lth": "OpenLTH",
    "jaxpruner": "jaxpruner",
    "torch_prune": "torch.nn.utils.prune",
    "cleanrl": "CleanRL, dense",
}
TITLES = {
    "lenet": "LeNet-300-100, batch 60",
    "conv2": "Conv-2, batch 60",
    "resnet20": "ResNet-20, batch 128",
    "lstm": "LSTM of 64 units, 20 words, batch 32",
    "transformer": "Transformer encoder, 2 layers of 64, 20 words, batch 32",
    "cartpole": "CartPole with DQN, batch 128, 10 frames per step, one game",
}
BACKENDS = {
    "lenet": ("jax", "tensorflow", "torch"),
    "conv2": ("tensorflow", "torch"),
    "resnet20": ("tensorflow", "torch"),
    "lstm": ("jax", "tensorflow", "torch"),
    "transformer": ("jax", "tensorflow", "torch"),
    "cartpole": ("tensorflow",),
}
NOTES = """\
## Where a plain loop is faster

The reasons, from profiles with one thread:

- LeNet on torch: Python. The arithmetic of a masked step (products, masks, Adam) takes about a
  quarter of it. Nearly half of the profile is `Layer.__call__` of Keras' four layers, which
  checks and converts arguments; the rest is its loss, metrics and `optimizer.apply`. With
  convolutions, whose arithmetic dominates, this is no longer visible.
- The LSTM on torch: Python. A step takes 6.8 ms of processor time, that of the plain loop 4.5 (with
  Keras' own loop over the words, which `kl.fit` and `run` replace by torch's, 11.0). In the profile
  40 % is torch's operations, 46 % Keras and the Python code of torch that it calls, and 5 % this
  package. Adam with its masks takes 16 %.
- The Transformer on torch: a step takes 22 ms of processor time, that of the plain loop 13. In the
  profile 59 % is Keras' 26 calls of `Layer.__call__`, each of which checks and converts its
  arguments; torch's operations are 35 %, this package's own code is 4 %.
- The LSTM on TensorFlow: Keras runs it as a `tf.while_loop` on a CPU, whose small operations are
  dispatched one by one. A step of this benchmark takes 5.0 ms, of which its products are 0.4 ms.
  With `unroll=True` it takes 3.7 ms, but a graph as long as the sequence must be compiled.
- CartPole with one game: 60 % of the time is the call that chooses an action for each frame, and
  much of that is TensorFlow's Python code around a function, not the network. With more games,
  they share one call.
"""
PAIRS = 11
ROUNDS, ARMS, SEEDS, LENGTH = 20, 3, 5, 50_000


@dataclass(frozen=True)
class Candidate:
    """One package on one backend.

    Args:
        name: for the table.
        command: of one worker, without the number of threads.
        backend: of Keras; empty for peers.
        folder: where it runs.
    """

    name: str
    command: tuple[str, ...]
    backend: str = ""
    folder: Path = ROOT

    def start(self, threads: int) -> "subprocess.Popen[str]":
        """Starts one worker."""
        count = str(threads)
        environment = os.environ | {
            "OMP_NUM_THREADS": count,
            "TF_NUM_INTRAOP_THREADS": count,
            "TF_NUM_INTEROP_THREADS": count,
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "CUDA_VISIBLE_DEVICES": "-1",
            "JAX_PLATFORMS": "cpu",
        }
        if self.backend:
            environment["KERAS_BACKEND"] = self.backend
        if threads == 1:
            flags = os.environ.get("XLA_FLAGS", "")
            environment["XLA_FLAGS"] = f"{flags} --xla_cpu_multi_thread_eigen=false"
        return subprocess.Popen(
            [*self.command, f"--threads={threads}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=self.folder,
        )


@dataclass(frozen=True)
class Rate:
    """What one package reached.

    Args:
        package: name and backend.
        processes: one, or one per core.
        steps_per_second: of all processes together.
        gains: times as fast as each peer, with intervals; empty for peers.
    """

    package: str
    processes: str
    steps_per_second: float
    gains: str


@dataclass(frozen=True)
class Measured:
    """The rates of one case.

    Args:
        rates: by package and number of processes.
        machine: what they were measured on.
    """

    rates: list[Rate]
    machine: dict[str, str]


class Group:
    """Workers of one candidate that train at the same time."""

    def __init__(self, candidate: Candidate, workers: int, threads: int, stack: ExitStack) -> None:
        self._name = candidate.name
        self._processes: list[subprocess.Popen[str]] = []
        for _ in range(workers):
            process = stack.enter_context(candidate.start(threads))
            stack.callback(process.kill)
            self._processes.append(process)
        self._wait("ready")

    def __call__(self) -> None:
        """Lets each worker train its steps, and waits for all."""
        for process in self._processes:
            process.send_signal(signal.SIGCONT)
            orders = cast(IO[str], process.stdin)
            orders.write("go\n")
            orders.flush()
        self._wait("done")

    def _wait(self, word: str) -> None:
        for process in self._processes:
            if cast(IO[str], process.stdout).readline().strip() != word:
                raise SystemExit(f"side_by_side: {self._name} failed; its errors are above.")
        for process in self._processes:
            process.send_signal(signal.SIGSTOP)  # threads that wait in busy loops would take turns


def candidates_of(case: str, options: argparse.Namespace) -> list[Candidate]:
    """Returns ours on each backend, then the peers that are there."""
    steps = f"--steps={STEPS[case]}"
    found = [
        Candidate(
            f"ours, {backend}",
            (sys.executable, "-m", "benchmarks.peers.worker", "ours", case, steps),
            backend,
        )
        for backend in BACKENDS[case]
    ]
    for peer in PEERS[case]:
        checkout = getattr(options, peer, "")
        if peer == "torch_prune" or checkout:
            python = options.jaxpruner_python if peer == "jaxpruner" else options.torch_python
            place = [f"--checkout={Path(checkout).resolve()}"] if checkout else []
            command = (python, str(WORKER), peer, case, steps, *place)
            found.append(Candidate(NAMES[peer], command))
    return found


def measure(case: str, options: argparse.Namespace) -> Measured:
    """Times all candidates of a case in turn."""
    facts = machine("keras", "tensorflow", "jax", "torch")
    cores = len(os.sched_getaffinity(0))
    found = candidates_of(case, options)
    layouts = {"one process": (1, cores), "one process per core": (cores, 1)}
    with ExitStack() as stack:
        groups: dict[tuple[str, str], Callable[[], object]] = {
            (candidate.name, layout): Group(candidate, workers, threads, stack)
            for candidate in found
            for layout, (workers, threads) in layouts.items()
        }
        seconds = in_turn(groups, options.pairs)
    done = {key: STEPS[case] * layouts[key[1]][0] for key in groups}
    per_step = {key: value / done[key] for key, value in seconds.items()}
    peers = [key for key in groups if not key[0].startswith("ours")]
    rates = []
    for key, value in per_step.items():
        gains = ""
        if key not in peers:
            gains = "; ".join(
                f"{ratios(per_step, peer, key)} × {peer[0]}" for peer in peers if peer[1] == key[1]
            )
        package, layout = key
        rates.append(Rate(package, layout, 1 / float(np.median(value)), gains))
    return Measured(rates, facts)


def paper(rates: Sequence[Rate]) -> str:
    """Returns how long the paper's LeNet experiment takes at the measured rates."""
    trainings = SEEDS * (1 + ROUNDS * ARMS)
    best: dict[str, float] = {}
    for rate in rates:
        best[rate.package] = max(rate.steps_per_second, best.get(rate.package, 0.0))
    hours = {name: trainings * LENGTH / rate / 3600 for name, rate in best.items()}
    listed = ", ".join(f"{name} {value:.1f} h" for name, value in hours.items())
    return (
        f"Frankle & Carbin's LeNet experiment, {ROUNDS} rounds, {ARMS} arms and {SEEDS} seeds, is "
        f"{trainings} trainings of {LENGTH:,} steps. At the better rate of each, training alone: "
        f"{listed}."
    )


def section(case: str, measured: Measured) -> list[str]:
    """Returns the lines of a case."""
    lines = [f"## {TITLES[case]}", "", "| package | processes | steps/s | times as fast as |"]
    lines.append("| --- | --- | ---: | --- |")
    for rate in measured.rates:
        value = rate.steps_per_second
        shown = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
        lines.append(f"| {rate.package} | {rate.processes} | {shown} | {rate.gains} |")
    if case == "lenet":
        lines += ["", paper(measured.rates)]
    return [*lines, "", ", ".join(f"{k} {v}" for k, v in measured.machine.items()) + ".", ""]


def page(kept: Mapping[str, Measured]) -> str:
    """Returns the page of all measured cases."""
    lines = [
        "# Side by side",
        "",
        "Written by `python -m benchmarks.peers.side_by_side --write`. Training steps per second, "
        "all processes together, with half of the weights pruned; and how many times as fast as "
        "each peer with as many processes: median of the pairs and its 95 % interval, taken in "
        "turn.",
        "",
    ]
    for case in (name for name in STEPS if name in kept):
        lines += section(case, kept[case])
    return "\n".join([*lines, NOTES])


def load() -> dict[str, Measured]:
    """Returns what was measured before."""
    kept = json.loads(KEPT.read_text("utf-8"))
    return {
        case: Measured([Rate(**rate) for rate in values["rates"]], values["machine"])
        for case, values in kept.items()
    }


def main() -> None:
    """Measures, prints, and writes if asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for peer in ("open-lth", "jaxpruner", "cleanrl"):
        parser.add_argument(f"--{peer}", default="", help="a clone of it")
    parser.add_argument("--torch-python", default=sys.executable)
    parser.add_argument("--jaxpruner-python", default=sys.executable)
    parser.add_argument("--cases", default=",".join(STEPS), help="names with commas")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--write", action="store_true", help="write benchmarks/peers/results.md")
    options = parser.parse_args()
    for case in options.cases.split(","):
        measured = measure(case, options)
        print("\n".join(section(case, measured)), flush=True)
        if options.write:
            kept = load() | {case: measured}
            KEPT.write_text(json.dumps({k: asdict(v) for k, v in kept.items()}, indent=1), "utf-8")
            PAGE.write_text(page(kept), "utf-8")


if __name__ == "__main__":
    main()
