"""From Keras 3 to TF-Agents: networks, and the optimizer.

TF-Agents is written for Keras 2 and rejects Keras 3 layers. It needs a network's `call` and lists
of `tf.Variable`, which are the `value` of Keras 3 variables.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_lottery import masking
from keras_lottery.tasks.rl.agents import without_gym

with without_gym():
    from tf_agents.networks import network, utils
    from tf_agents.specs import tensor_spec
    from tf_agents.trajectories import time_step
    from tf_agents.utils import nest_utils


class KerasNetwork(network.Network):
    """A Keras 3 model, masked or not, as a TF-Agents network.

    It exposes the variables of the plain model, without masks, fills and seed generators. A soft
    update of a target network blends variables, and would turn a mask of 0 into 0.95.

    Args:
        model: built; from a batch of observations to one output or several.
        observation_spec: of one observation, without the batch.
        output: converts the model's outputs for the agent, e.g. to a distribution.
    """

    def __init__(
        self,
        model: keras.Model,
        observation_spec: tf.TensorSpec,
        output: Callable[[Any], Any] | None = None,
        name: str = "KerasNetwork",
    ) -> None:
        super().__init__(input_tensor_spec=observation_spec, state_spec=(), name=name)
        # Bypasses the tracking of Keras 2, which would treat the model as one of its layers.
        object.__setattr__(self, "_parts", _Parts(model, output))
        self.built = True

    @property
    def model(self) -> keras.Model:
        """The Keras 3 model."""
        return self._parts.model

    def call(
        self,
        observation: Any,
        step_type: Any = None,
        network_state: Any = (),
        training: bool = False,
    ) -> tuple[Any, Any]:
        parts = self._parts
        # Observations are `(batch, ...)` or `(batch, time, ...)`; the model takes only the first.
        outer = nest_utils.get_outer_rank(observation, self.input_tensor_spec)
        squash = utils.BatchSquash(outer)
        outputs = parts.model(squash.flatten(observation), training=training)
        outputs = tf.nest.map_structure(squash.unflatten, outputs)
        return (parts.output(outputs) if parts.output else outputs), network_state

    @property
    def variables(self) -> list[tf.Variable]:
        return [v.value for v in masking.variables(self.model).values()]

    @property
    def trainable_variables(self) -> list[tf.Variable]:
        return [v.value for v in masking.variables(self.model).values() if v.trainable]

    @property
    def non_trainable_variables(self) -> list[tf.Variable]:
        return [v.value for v in masking.variables(self.model).values() if not v.trainable]

    # Keras 2 has two names for each, and the second one isn't overridden with the first.
    weights = variables
    trainable_weights = trainable_variables
    non_trainable_weights = non_trainable_variables

    @property
    def losses(self) -> list[Any]:
        return list(self.model.losses)


class _Parts:
    """Hides an object from Keras 2."""

    def __init__(self, model: keras.Model, output: Callable[[Any], Any] | None) -> None:
        self.model = model
        self.output = output


class KerasOptimizer:
    """The optimizer of a compiled Keras 3 model, with the interface that TF-Agents calls.

    The gradient mask of a masked model still applies, since it belongs to the optimizer.
    """

    def __init__(self, model: keras.Model) -> None:
        self._optimizer = model.optimizer
        self._known = {id(v.value): v for v in model.trainable_variables}
        self.learning_rate = self._lr = self._optimizer.learning_rate  # which PPO would log

    def apply_gradients(
        self, grads_and_vars: Sequence[tuple[Any, tf.Variable]], global_step: Any = None
    ) -> None:
        """Takes one step; the pairs may be in any order."""
        gradients = {id(variable): gradient for gradient, variable in grads_and_vars}
        self._optimizer.apply(
            [gradients[known] for known in self._known], list(self._known.values())
        )


def observation_spec(shape: Any, dtype: str) -> tf.TensorSpec:
    """Returns the spec of one observation.

    TF-Agents samples an observation to infer a network's outputs, and fails for `uint8` ranges.
    """
    if dtype == "uint8":
        return tensor_spec.BoundedTensorSpec(shape, dtype, 0, 1, name="observation")
    return tf.TensorSpec(shape, dtype, name="observation")


def specs_of(observations: Any, actions: int) -> tuple[Any, Any]:
    """Returns the specs of an agent.

    Args:
        observations: a `tf.TensorSpec` of one observation.
        actions: number of actions.

    Returns:
        `(time_step_spec, action_spec)`.
    """
    action = tensor_spec.BoundedTensorSpec((), tf.int32, 0, actions - 1, name="action")
    return time_step.time_step_spec(observations), action
