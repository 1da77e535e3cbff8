"""The custom fit loop: many steps in one compiled call, and a stop wherever somebody looks."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_lottery.training.data import EpochData, Order
from keras_lottery.training.programs import Program

# Rows of batches passed to one compiled call at most; bounds the memory for the order.
MOST_STEPS = 1000
# Examples evaluated at once at most.
MOST_EXAMPLES = 2500


def train_steps(
    program: Program,
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
        every: yield at the multiples of this, too; epochs always end a call.
        shift: added to a step to find its place in the data order.
    """
    capacity = steps_a_call(order, every)
    step = steps.start
    while step < steps.stop:
        place = step + shift
        ends = [steps.stop, step + capacity, order.last_alike(place) - shift]
        ends += [step - step % every + every, *(s for s in stops if s > step)]
        end = min(ends)
        rows = order.rows(place, end + shift)
        arrays = data.at(order.epoch(place), order.seed, order.part(place))
        program.train(arrays, _padded(rows, capacity), end - step)
        step = end
        yield step


def steps_a_call(order: Order, every: int) -> int:
    """Returns the number of steps that one compiled call has room for."""
    return min(every, MOST_STEPS, order.most_alike)


def _padded(rows: NDArray[np.int32], capacity: int) -> NDArray[np.int32]:
    """Fills up to the one number of steps that is compiled."""
    return np.pad(rows, ((0, capacity - len(rows)), (0, 0)))


class Evaluation:
    """Measures a model on arrays that stay on the device, `batch` examples at once (0: many)."""

    def __init__(
        self, program: Program, arrays: Any, examples: int, replicas: int = 1, batch: int = 0
    ) -> None:
        self._program = program
        self._arrays = program.put(arrays)
        batch = batch or _even_batch(examples, replicas)
        whole = examples // batch * batch
        shared = examples // replicas * replicas
        order = np.arange(examples, dtype=np.int32)
        orders = (order[:whole].reshape(-1, batch), order[whole:shared][None], order[shared:][None])
        self._orders = [rows for rows in orders if rows.size]

    def __call__(self, model: keras.Model) -> dict[str, float]:
        """Returns the mean of the loss and of each metric by name."""
        model.reset_metrics()
        for order in self._orders:
            self._program.test(self._arrays, order)
        return results(model)


def results(model: keras.Model) -> dict[str, float]:
    """Returns what the model's metrics have gathered, and resets them."""
    metrics = {k: float(v) for k, v in model.get_metrics_result().items()}
    model.reset_metrics()
    return metrics


def _even_batch(examples: int, replicas: int) -> int:
    """Returns the largest batch that divides the examples evenly, if there is a fair one."""
    sizes = range(min(examples, MOST_EXAMPLES), 0, -1)
    even = next(s for s in sizes if examples % s == 0 and (s % replicas == 0 or s == 1))
    fallback = max(1, min(examples, 500) // replicas) * replicas
    return even if even >= min(100, examples) else fallback
