"""The training loop: many steps per compiled call, with pauses at evaluations and checkpoints."""

from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_lottery.training.data import EpochData, Order
from keras_lottery.training.programs import Program, TrainingProgram

# Maximal steps per compiled call; bounds the memory for the order.
MOST_STEPS = 1000
# Maximal examples per evaluation batch.
MOST_EXAMPLES = 2500


def train_steps(
    program: TrainingProgram,
    data: EpochData,
    order: Order,
    steps: range,
    *,
    stops: frozenset[int] | set[int] = frozenset(),
    every: int = MOST_STEPS,
    shift: int = 0,
) -> Iterator[int]:
    """Trains over `steps`, yielding the step reached after each compiled call.

    Args:
        program: the compiled steps.
        data: the training arrays on the device.
        order: which examples make up each batch.
        steps: the range of optimizer steps to take.
        stops: steps at which to yield.
        every: also yield at multiples of this; epochs always end a call.
        shift: added to a step to get its position in the data order.
    """
    capacity = steps_per_call(order, every)
    step = steps.start
    while step < steps.stop:
        position = step + shift
        ends = [steps.stop, step + capacity, order.run_end(position) - shift]
        ends += [step - step % every + every, *(s for s in stops if s > step)]
        end = min(ends)
        rows = order.rows(position, end + shift)
        arrays = data.at(order.epoch(position), order.seed, order.part(position))
        program.train(arrays, _padded(rows, capacity), end - step)
        step = end
        yield step


def steps_per_call(order: Order, every: int) -> int:
    """Returns the capacity of a compiled call in steps."""
    return min(every, MOST_STEPS, order.longest_run)


def _padded(rows: NDArray[np.int32], capacity: int) -> NDArray[np.int32]:
    """Pads to the capacity of the compiled call."""
    return np.pad(rows, ((0, capacity - len(rows)), *[(0, 0)] * (rows.ndim - 1)))


class Evaluation:
    """Evaluates a model on arrays on the device, `batch` examples at a time (0: automatic)."""

    def __init__(
        self, program: Program, arrays: Any, examples: int, replicas: int = 1, batch: int = 0
    ) -> None:
        self._program = program
        self.arrays = program.put(arrays)
        batch = batch or _even_batch(examples, replicas)
        whole = examples // batch * batch
        shared = examples // replicas * replicas
        order = np.arange(examples, dtype=np.int32)
        orders = (order[:whole].reshape(-1, batch), order[whole:shared][None], order[shared:][None])
        self.orders = [rows for rows in orders if rows.size]

    def __call__(self, model: keras.Model) -> dict[str, Any]:
        """Returns the mean loss and metrics by name."""
        model.reset_metrics()
        for order in self.orders:
            self._program.test(self.arrays, order)
        return results(model)


def results(model: keras.Model) -> dict[str, Any]:
    """Returns the results of the model's metrics as Keras' logs have them, and resets them."""
    logs = logs_of(model)
    model.reset_metrics()
    return logs


def logs_of(model: keras.Model) -> dict[str, Any]:
    """Returns the results of the model's metrics: floats, or arrays if they have several values."""
    values = model.get_metrics_result()
    to_numpy = keras.ops.convert_to_numpy
    return {k: to_numpy(v) if np.ndim(v) else float(v) for k, v in values.items()}


def single_values(logs: Mapping[str, Any]) -> dict[str, float]:
    """Returns logs without metrics of several values, such as one per class."""
    return {name: float(value) for name, value in logs.items() if np.ndim(value) == 0}


def _even_batch(examples: int, replicas: int) -> int:
    """Returns the largest batch that divides the examples evenly, unless that is small."""
    sizes = range(min(examples, MOST_EXAMPLES), 0, -1)
    even = next(s for s in sizes if examples % s == 0 and (s % replicas == 0 or s == 1))
    fallback = max(1, min(examples, 500) // replicas) * replicas
    return even if even >= min(100, examples) else fallback
