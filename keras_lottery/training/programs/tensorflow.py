"""Many training steps in one graph on TensorFlow, under any `tf.distribute` strategy."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from keras_lottery.backend.distribution import Distribution
from keras_lottery.masking.mask_holder import zero_written
from keras_lottery.training.compilation import Compilation


class TensorFlowProgram:
    """A `tf.while_loop` over `model.train_step` inside one `tf.function`.

    Data and order are arguments, not constants, which makes compilation six times faster. Every
    replica holds the data and gathers its share of each batch.
    """

    def __init__(
        self, model: keras.Model, distribution: Distribution, compilation: Compilation
    ) -> None:
        self.traces = 0
        self._model = model
        self._replicas = distribution.replicas
        self._strategy = distribution.strategy
        self._train = tf.function(self._many_steps, jit_compile=compilation.xla, autograph=False)
        self._test = tf.function(self._test_batches, jit_compile=compilation.xla, autograph=False)

    def put(self, arrays: Any) -> Any:
        tensors = keras.tree.map_structure(tf.convert_to_tensor, arrays)
        if self._strategy is None:
            return tensors
        distribute = self._strategy.experimental_distribute_values_from_function
        return keras.tree.map_structure(lambda t: distribute(lambda _: tf.identity(t)), tensors)

    def train(self, data: Any, order: NDArray[np.int32], steps: int) -> None:
        zero_written(self._model)
        self._train(data, tf.convert_to_tensor(order), tf.constant(steps))

    def test(self, data: Any, order: NDArray[np.int32]) -> None:
        self._test(data, tf.convert_to_tensor(order))

    def _many_steps(self, data: Any, order: tf.Tensor, steps: tf.Tensor) -> None:
        self.traces += 1
        self._loop(self._model.train_step, data, order, steps)

    def _test_batches(self, data: Any, order: tf.Tensor) -> None:
        self.traces += 1
        self._loop(self._model.test_step, data, order, tf.constant(order.shape[0]))

    def _loop(self, step: Any, data: Any, order: tf.Tensor, steps: tf.Tensor) -> None:
        def body(i: tf.Tensor) -> tf.Tensor:
            self._run(lambda data, rows: step(_gather(data, rows)), data, order[i])
            return i + 1

        tf.while_loop(lambda i: i < steps, body, [tf.constant(0)], parallel_iterations=1)

    def _run(self, step: Any, data: Any, rows: tf.Tensor) -> None:
        if self._strategy is None:
            step(data, rows)
            return

        size, rest = divmod(rows.shape[0], self._replicas)

        def share(data: Any) -> None:
            replica = tf.distribute.get_replica_context().replica_id_in_sync_group
            if rest:  # not divisible: the first replica takes the whole batch
                tf.cond(replica == 0, lambda: _nothing(step(data, rows)), lambda: _nothing(None))
            else:
                step(data, tf.slice(rows, [replica * size], [size]))

        self._strategy.run(share, args=(data,))


def _nothing(result: Any) -> tf.Tensor:
    return tf.constant(0)


def _gather(data: Any, rows: tf.Tensor) -> Any:
    return keras.tree.map_structure(lambda array: tf.gather(array, rows), data)
