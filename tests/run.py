"""Runs the suite: everything once, and what depends on the backend on each one installed."""

import argparse
import os
import subprocess
import sys
from importlib.util import find_spec

FIRST, *OTHERS = ("tensorflow", "jax", "torch")

# Most of the suite's time is compiling, and much of it is XLA making machine code faster than
# programs that run once can repay.
QUICK = "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"


def pytest(backend: str, *arguments: str) -> int:
    """Runs pytest under one backend, in a process of its own, and returns its exit code."""
    environment = os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    print(f"\n=== {backend} {' '.join(arguments)}", flush=True)
    # In the order of the folders: by number of tests, the few long ones would be left for the end.
    spread = ["-n2", "--dist=loadfile", "--no-loadscope-reorder"]
    command = [sys.executable, "-m", "pytest", "-q", *spread, *arguments]
    return subprocess.call(command, env=environment)


def main() -> int:
    """Returns 0 where every backend passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slow", action="store_true", help="run tests/slow, too; optimize fully")
    parser.add_argument("rest", nargs="*", help="passed to pytest")
    options = parser.parse_args()
    if not options.slow:
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {QUICK}".strip()
    skipped = [] if options.slow else ["--ignore=tests/slow"]
    codes = [pytest(FIRST, *skipped, *options.rest)]
    for backend in OTHERS:
        if find_spec(backend) is None:
            print(f"\n=== {backend} is not installed: NOT TESTED on {backend}", flush=True)
            continue
        codes.append(pytest(backend, "-m", "backend", *skipped, *options.rest))
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
