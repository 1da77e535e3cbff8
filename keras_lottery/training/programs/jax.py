"""Many training steps in one XLA program on JAX."""

from functools import partial
from typing import Any

import jax
import jax.export
import keras
import numpy as np
from numpy.typing import NDArray

from keras_lottery.backend.distribution import Distribution
from keras_lottery.masking.keras_internals import without_shardings
from keras_lottery.masking.mask_holder import mark_zeroed, zero_written
from keras_lottery.training.compilation import Compilation

Carry = tuple[list[Any], ...]


class JaxProgram:
    """`lax.fori_loop` over `model.train_step`, with the state as its carry.

    The number of steps is an argument, so one trace serves every length. Without a loop, each step
    donates the state, as in Keras' own `fit`: copy arrays that must outlive a step.
    """

    def __init__(
        self, model: keras.Model, distribution: Distribution, compilation: Compilation
    ) -> None:
        self.traces = 0
        self._model = model
        self._distribution = distribution
        self._train = jax.jit(self.many_steps) if compilation.loop else self._step_by_step
        self._donating_step = jax.jit(self.single_step, donate_argnums=0)
        self._evaluate = jax.jit(self.test_batches if compilation.loop else self.test_batch)
        self.loop = compilation.loop

    def put(self, arrays: Any) -> Any:
        # `convert_to_tensor` would copy twice.
        return keras.tree.map_structure(lambda a: jax.device_put(np.asarray(a)), arrays)

    def train(self, data: Any, order: NDArray[np.int32], steps: int) -> None:
        zero_written(self._model)
        self.assign(self._train(self.state(), data, order, steps))
        mark_zeroed(self._model)

    def test(self, data: Any, order: NDArray[np.int32]) -> None:
        trainable, other, _, metrics = self.state()
        state = (trainable, other, metrics)
        if self.loop:
            state = self._evaluate(state, data, order)
        else:
            for rows in order:
                state = self._evaluate(state, data, rows)
        self._assign(self._model.metrics_variables, state[2])

    def exported_for(self, platform: str, data: Any, order: NDArray[np.int32]) -> Any:
        """Returns the loop over steps, lowered for another platform such as `tpu`."""
        lower = jax.export.export(jax.jit(self.many_steps), platforms=[platform])
        return lower(self.state(), data, order, np.int32(len(order)))

    def many_steps(self, state: Carry, data: Any, order: Any, steps: Any) -> Carry:
        """Returns the state after the first `steps` batches of `order`."""
        self.traces += 1
        body = partial(self._step, data=data)
        return jax.lax.fori_loop(0, steps, lambda i, state: body(state, rows=order[i]), state)

    def _step_by_step(self, state: Carry, data: Any, order: Any, steps: int) -> Carry:
        state = _unshared(state)
        for rows in order[:steps]:
            state = self._donating_step(state, data, rows)
        return state

    def single_step(self, state: Carry, data: Any, rows: Any) -> Carry:
        """Returns the state after a step on the examples `rows`."""
        self.traces += 1
        return self._step(state, data, rows)

    def _step(self, state: Carry, data: Any, rows: Any) -> Carry:
        with without_shardings(self._model):
            return self._model.train_step(state, self._batch(data, rows))[1]

    def test_batches(self, state: Carry, data: Any, order: Any) -> Carry:
        """Returns the state after evaluating all batches; it has no optimizer."""
        self.traces += 1

        def body(i: Any, state: Carry) -> Carry:
            return self._test(state, data, order[i])

        return jax.lax.fori_loop(0, len(order), body, state)

    def test_batch(self, state: Carry, data: Any, rows: Any) -> Carry:
        """Returns the state after evaluating the examples `rows`."""
        self.traces += 1
        return self._test(state, data, rows)

    def _test(self, state: Carry, data: Any, rows: Any) -> Carry:
        with without_shardings(self._model):
            return self._model.test_step(state, self._batch(data, rows))[1]

    def _batch(self, data: Any, rows: Any) -> Any:
        batch = keras.tree.map_structure(lambda array: array[rows], data)
        if self._distribution.strategy is None or rows.shape[0] % self._distribution.replicas:
            return batch
        return keras.tree.map_structure(self._shard, batch)

    def _shard(self, array: Any) -> Any:
        """Splits a batch between the devices."""
        layout = self._distribution.strategy.get_data_layout(array.shape)
        return keras.distribution.distribute_tensor(array, layout)

    def state(self) -> Carry:
        """Returns the values of all variables: trainable, others, optimizer, metrics."""
        return tuple([v.value for v in group] for group in self.variables())

    def variables(self) -> tuple[list[keras.Variable], ...]:
        """Returns the variables of a state."""
        model = self._model
        return (
            model.trainable_variables,
            model.non_trainable_variables,
            model.optimizer.variables,
            model.metrics_variables,
        )

    def results(self, metrics: list[Any]) -> dict[str, Any]:
        """Returns the results of metrics variables with these values."""
        mapping = list(zip(self._model.metrics_variables, metrics, strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            named: dict[str, Any] = self._model.get_metrics_result()
        return named

    def assign(self, state: Carry) -> None:
        """Writes a state, or its first groups, to the variables."""
        for variables, values in zip(self.variables(), state):
            self._assign(variables, values)

    @staticmethod
    def _assign(variables: list[keras.Variable], values: list[Any]) -> None:
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)


def _unshared(state: Carry) -> Carry:
    """Returns the state with repeated arrays copied, since an array can't be donated twice.

    The average of a weight starts as the same array as the weight.
    """
    seen: set[int] = set()

    def unshared(array: Any) -> Any:
        if id(array) in seen:
            return jax.numpy.copy(array)
        seen.add(id(array))
        return array

    return tuple([unshared(array) for array in group] for group in state)
