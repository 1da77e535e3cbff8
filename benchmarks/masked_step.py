"""A masked training step against a dense one of the same network, both in a compiled program.

KERAS_BACKEND=jax python -m benchmarks.masked_step [--pairs 41]
"""

import numpy as np

from benchmarks import made
from benchmarks.command import Measured, Options, backend_name, main, rated
from benchmarks.table import Row

ABOUT = "A masked training step against a dense one, many steps per compiled call."
LIMIT = 1.05
# Many short samples spread other load on the machine evenly over both.
PAIRS = 41


def measure(options: Options) -> Measured:
    """Returns the ratio of each network; the limit is on LeNet-300-100."""
    cases = [made.lenet(5 if options.quick else 100)]
    if not options.quick:
        cases.append(made.lstm())
    if not options.quick and backend_name() != "jax":
        cases.append(made.conv2())
    # On torch, the masks of a step take as long as its Python code lets them.
    limit = None if backend_name() == "torch" else LIMIT
    return Measured(
        [_row(case, options, limit if not i else None) for i, case in enumerate(cases)], []
    )


def _row(case: made.Case, options: Options, limit: float | None) -> Row:
    candidates = {"masked": steps(case, True), "dense": steps(case, False)}
    return rated(case.name, candidates, case.steps, "steps", options, limit)


def steps(case: made.Case, masked: bool) -> made.Call:
    """Returns a call that runs the case's steps and waits for them to finish."""
    rng = np.random.default_rng(2)
    order = rng.permutation(case.steps * case.batch).reshape(case.steps, -1).astype(np.int32)
    return made.steps_call(case.compiled(masked), case.data(), order)


if __name__ == "__main__":
    main("masked_step", ABOUT, measure, keras=True, pairs=PAIRS)
