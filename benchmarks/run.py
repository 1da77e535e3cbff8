"""Runs every benchmark on every backend installed, and draws benchmarks/results.md.

python benchmarks/run.py [--backend jax] [--only masked_step] [--pairs 11] [--data-dir F] [--quick]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from benchmarks.table import Section, merge

# What each needs besides its backend.
NEEDS = {"rl_loop": "tf_agents", "translation": "keras_hub"}
# The backends of each benchmark; on torch, whose steps run eagerly, those of single steps.
BENCHMARKS = {
    "global_cut": ("numpy",),
    "masked_step": ("jax", "tensorflow", "torch"),
    "epoch_vs_fit": ("jax", "tensorflow", "torch"),
    "round_cost": ("jax", "tensorflow"),
    "executors": ("jax", "tensorflow"),
    "compaction": ("jax", "tensorflow"),
    "freezing": ("jax", "tensorflow"),
    "vectorized": ("jax",),
    "lstm": ("jax", "tensorflow"),
    "translation": ("jax", "tensorflow"),
    "rl_loop": ("tensorflow",),
}


def measured(benchmark: str, backend: str, extra: list[str]) -> Section:
    """Returns the section of one benchmark, run in a separate process."""
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    if backend != "numpy":
        environment["KERAS_BACKEND"] = backend
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "section.json"
        command = [sys.executable, "-m", f"benchmarks.{benchmark}", f"--json={file}", *extra]
        subprocess.run(command, check=True, env=environment)
        return Section.load(json.loads(file.read_text()))


def main() -> int:
    """Returns 0 if every limit held."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backend", action="append", help="only this one; may be repeated")
    parser.add_argument("--only", action="append", choices=BENCHMARKS, help="only this benchmark")
    parser.add_argument("--pairs", type=int, help="timings of each candidate")
    parser.add_argument("--data-dir", help="folder of the data sets (executors: MNIST)")
    parser.add_argument("--quick", action="store_true", help="tiny sizes; writes nothing")
    options = parser.parse_args()
    extra = ["--quick"] * options.quick
    extra += [f"--pairs={options.pairs}"] * bool(options.pairs)
    extra += [f"--data-dir={options.data_dir}"] * bool(options.data_dir)
    sections = []
    for benchmark in options.only or BENCHMARKS:
        for backend in BENCHMARKS[benchmark]:
            if options.backend and backend not in options.backend:
                continue
            needed = NEEDS.get(benchmark, backend)
            if find_spec(backend) is None or find_spec(needed) is None:
                print(f"{needed} is not installed: {benchmark} NOT MEASURED on {backend}")
                continue
            sections.append(measured(benchmark, backend, extra))
            if not options.quick:
                merge(sections[-1:], expected=BENCHMARKS)
    failed = [row for section in sections for row in section.rows if row.held is False]
    return 1 if failed and not options.quick else 0


if __name__ == "__main__":
    sys.exit(main())
