"""Measures training on every installed backend, for `--backend=auto`.

    python -m benchmarks.backends [--write]

Each backend trains one masked network of each kind, in processes that take turns. `--write` keeps
the medians in keras_lottery/cli/backend_speeds.json.
"""

import argparse
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from statistics import median

from benchmarks.table import machine
from keras_lottery.cli.fastest import SPEEDS
from keras_lottery.files import write_text

TURNS, TIMINGS = 3, 7


def steps_per_second() -> dict[str, float]:
    """Returns the training speed of each kind of network on this process' backend."""
    import numpy as np

    from benchmarks import lstm, made, masked_step, translation
    from benchmarks.compare import in_turn

    calls = {
        "dense": (masked_step.steps(made.lenet(100), True), 100),
        "convolutional": (masked_step.steps(made.resnet20(), True), 3),
        "recurrent": (lstm.training(200, 10_000, (30, 50)), lstm.STEPS),
        "Transformer": (translation.training(), translation.STEPS),
    }
    seconds = in_turn({kind: call for kind, (call, _) in calls.items()}, TIMINGS)
    return {kind: steps / float(np.median(seconds[kind])) for kind, (_, steps) in calls.items()}


def main() -> None:
    """Measures, prints the medians, and writes them if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="keep the medians for --backend=auto")
    options = parser.parse_args()
    found: dict[str, dict[str, list[float]]] = {}
    for _ in range(TURNS):
        for backend in filter(find_spec, ("jax", "tensorflow", "torch")):
            code = "import json; from benchmarks import backends; "
            code += "print(json.dumps(backends.steps_per_second()))"
            environment = os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
            done = subprocess.run(
                [sys.executable, "-c", code],
                env=environment,
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            for kind, speed in json.loads(done.stdout.splitlines()[-1]).items():
                found.setdefault(kind, {}).setdefault(backend, []).append(speed)
    medians = {
        kind: {backend: round(median(speeds), 3) for backend, speeds in by_backend.items()}
        for kind, by_backend in found.items()
    }
    record = {"machine": machine("keras", *medians["dense"]), "steps_per_second": medians}
    text = json.dumps(record, indent=2) + "\n"
    print(text)
    if options.write:
        write_text(SPEEDS, text)


if __name__ == "__main__":
    main()
