"""A training step with half of the neurons frozen against one in which all train.

KERAS_BACKEND=tensorflow python -m benchmarks.freezing [--pairs 41]
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import made
from benchmarks.command import Measured, Options, backend_name, main, rated
from benchmarks.table import Row
from keras_lottery.toolkit.callbacks.neuron_equilibrium import NeuronFreezing

ABOUT = "A training step with half of the neurons frozen against one in which all train."
PAIRS = 41


class EverySecond(NeuronFreezing):
    """Freezes every second neuron of each layer."""

    def choose(self, epoch: int) -> dict[str, NDArray[np.bool_]]:
        return {layer.path: np.arange(layer.count) % 2 == 0 for layer in self.neurons}


def measure(options: Options) -> Measured:
    """Returns the ratio of each network, without a limit, since dense kernels save nothing."""
    cases = [made.lenet(5 if options.quick else 100)]
    if not options.quick and backend_name() == "tensorflow":
        cases.append(made.image_case("Small CNN, batch 60, Adam", "small_cnn", (8, 8, 1), 60, 50))
    return Measured([_row(case, options) for case in cases], [])


def _row(case: made.Case, options: Options) -> Row:
    candidates = {"half frozen": steps(case, True), "all train": steps(case, False)}
    return rated(case.name, candidates, case.steps, "steps", options)


def steps(case: made.Case, freeze: bool) -> made.Call:
    """Returns a call that runs the case's steps and waits for them to finish."""
    model: Any = case.compiled(masked=False)
    arrays = case.data()
    if freeze:
        callback = EverySecond(arrays[0][:1])
        callback.set_model(model)
        callback.on_train_begin()
    order = np.arange(case.steps * case.batch, dtype=np.int32).reshape(case.steps, -1)
    return made.steps_call(model, arrays, order)


if __name__ == "__main__":
    main("freezing", ABOUT, measure, keras=True, pairs=PAIRS)
