"""Runs the suite: everything once, and backend-dependent tests on each installed backend."""

import argparse
import os
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec

from packaging.version import Version

# What doesn't depend on the backend runs on the first one installed. JAX is imported in half of
# TensorFlow's time, and traces small networks faster.
MARKED = {"jax": "not tensorflow", "tensorflow": "backend or tensorflow", "torch": "backend"}

# Most of the suite's time is compiling, and much of it is XLA making machine code faster than
# programs that run once can repay.
QUICK = "--xla_backend_optimization_level=0 --xla_cpu_parallel_codegen_split_count=1"
# TensorFlow 2.21 knows this flag; 2.19 aborts.
QUICKER = f"{QUICK} --xla_cpu_use_fusion_emitters=false"

# For work in between: no network is trained here but the smallest.
FAST = "jax"
FAST_FOLDERS = ("arms", "config", "configs", "pruning", "records", "report", "tickets", "toolkit")
FAST_FILES = ("test_architecture", "test_bad_arguments", "test_checks", "test_registry")


def pytest(backend: str, *arguments: str) -> int:
    """Runs pytest under one backend in a separate process and returns its exit code."""
    environment = os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    # Each process that a test starts would compile the package's modules again.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    print(f"\n=== {backend} {' '.join(arguments)}", flush=True)
    # In the order of the folders: by number of tests, the few long ones would be left for the end.
    spread = ["-n2", "--dist=loadfile", "--no-loadscope-reorder"]
    command = [sys.executable, "-m", "pytest", "-q", *spread, *arguments]
    return subprocess.call(command, env=environment)


def fast(*arguments: str) -> int:
    """Runs what needs no compile-heavy work, under one backend, and returns pytest's exit code."""
    paths = [*(f"tests/{name}" for name in FAST_FOLDERS), *(f"tests/{n}.py" for n in FAST_FILES)]
    return pytest(FAST, "-m", "not backend and not tensorflow", *paths, *arguments)


def quick() -> str:
    """Returns the flags that every installed backend knows."""
    if find_spec("tensorflow") is not None and Version(version("tensorflow")) < Version("2.21"):
        return QUICK
    return QUICKER


def main() -> int:
    """Returns 0 where every backend passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slow", action="store_true", help="run tests/slow, too; optimize fully")
    parser.add_argument(
        "--fast", action="store_true", help="only what takes seconds, on one backend"
    )
    parser.add_argument("rest", nargs="*", help="passed to pytest")
    options = parser.parse_args()
    if not options.slow:
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {quick()}".strip()
    if options.fast:
        return fast(*options.rest)
    skipped = [] if options.slow else ["--ignore=tests/slow"]
    return full(skipped, options.rest)


def full(skipped: list[str], rest: list[str]) -> int:
    """Runs everything on the first backend and marked tests on the others; 0 if all passed."""
    installed = [name for name in MARKED if find_spec(name) is not None]
    for name in MARKED.keys() - installed:
        print(f"\n=== {name} is not installed: NOT TESTED on {name}", flush=True)
    if find_spec("tf_agents") is None:
        print("\n=== The extra `rl` is not installed: NOT TESTED: agents", flush=True)
    # Without TensorFlow, or without JAX, the first one takes all that it can run.
    marks = MARKED | ({} if len({"jax", "tensorflow"} & {*installed}) == 2 else {installed[0]: ""})
    codes = [pytest(name, "-m", marks[name], *skipped, *rest) for name in installed]
    return int(any(codes))  # a killed process has a negative code


if __name__ == "__main__":
    sys.exit(main())
