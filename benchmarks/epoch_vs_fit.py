"""An epoch of `keras_lottery.training.fit` against Keras' own `fit`, on arrays; and its calls.

KERAS_BACKEND=tensorflow python -m benchmarks.epoch_vs_fit [--pairs 15]
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import made
from benchmarks.command import Measured, Options, backend_name, main, rated
from benchmarks.compare import in_turn, ratios
from benchmarks.table import Row
from keras_lottery.training import fit, prepare

ABOUT = (
    "An epoch of this package's loop against one of Keras' own `fit`, both with a masked network."
)
LIMIT = 1.0
PAIRS = 15

# Options of Keras' `compile`. On JAX, steps_per_execution is a Python loop.
SETTINGS: dict[str, dict[str, dict[str, Any]]] = {
    "tensorflow": {
        "fit": {},
        "fit, 32 steps per call": {"steps_per_execution": 32},
        "fit, XLA": {"jit_compile": True},
        "fit, XLA, 32 steps per call": {"jit_compile": True, "steps_per_execution": 32},
    },
    "jax": {"fit": {}, "fit, 32 steps per call": {"steps_per_execution": 32}},
    "torch": {"fit": {}},
}


def measure(options: Options) -> Measured:
    """Returns the ratio of the package's epoch to each of Keras' own."""
    settings = SETTINGS[backend_name()]
    if options.quick:
        settings = {"fit": settings["fit"]}
    # On a CPU, XLA compiles convolutions to far slower code, in Keras' fit too.
    plain = {name: s for name, s in settings.items() if "XLA" not in name}
    rows = _rows(made.lenet(5 if options.quick else 300), settings, options)
    if not options.quick:
        rows += _rows(made.conv2(), plain, options)
        rows += _rows(made.resnet20(), plain, options)
    rows.append(_calls(made.lenet(5 if options.quick else 900), options))
    return Measured(rows, [])


def _rows(case: made.Case, settings: dict[str, dict[str, Any]], options: Options) -> list[Row]:
    candidates = {name: keras_epoch(case, s) for name, s in settings.items()}
    seconds = in_turn({"epoch": package_epoch(case), **candidates}, options.pairs)
    rates = {k: f"{k}: {_rate(case.steps / np.median(v))} steps/s" for k, v in seconds.items()}
    return [
        Row.of(case.name, rates["epoch"], rates[k], ratios(seconds, "epoch", k), LIMIT)
        for k in candidates
    ]


def _calls(case: made.Case, options: Options) -> Row:
    """Compares two calls of one epoch, which keep their data on the device, with one of two."""
    model = case.compiled(masked=True)
    x, y = case.data()
    program = prepare(model, x, y)

    def call(epochs: int) -> None:
        fit(model, x, y, batch_size=case.batch, epochs=epochs, verbose=0, program=program)

    def two_calls() -> None:
        call(1)
        call(1)

    candidates = {"two calls": two_calls, "one call": lambda: call(2)}
    name = f"{case.name}, {x.nbytes / 2**20:.0f} MB of data, two epochs"
    return rated(name, candidates, 2 * case.steps, "steps", options)


def package_epoch(case: made.Case) -> Callable[[], object]:
    """Returns a call that trains one epoch with the package's loop."""
    model = case.compiled(masked=True)
    x, y = case.data()
    program = prepare(model, x, y)
    return lambda: fit(model, x, y, batch_size=case.batch, verbose=0, program=program)


def keras_epoch(case: made.Case, settings: dict[str, Any]) -> Callable[[], object]:
    """Returns a call that trains one epoch with Keras' own `fit`."""
    model = case.compiled(masked=True, **settings)
    x, y = case.data()
    return lambda: model.fit(x, y, batch_size=case.batch, verbose=0)


def _rate(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    main("epoch_vs_fit", ABOUT, measure, keras=True, pairs=PAIRS)
