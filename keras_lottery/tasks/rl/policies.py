"""A trained network as a TF-Agents policy, saved with its `PolicySaver`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from keras_lottery.tasks.rl import needs
from keras_lottery.tasks.rl.agents import without_gym

needs.check()

with without_gym():
    from tf_agents.policies import policy_saver, tf_policy
    from tf_agents.trajectories import policy_step

    from keras_lottery.tasks.rl.bridge import KerasNetwork, observation_spec, specs_of


class GreedyPolicy(tf_policy.TFPolicy):
    """Takes the action with the largest value or logit, and returns the network's outputs as info.

    Args:
        model: plain; from one observation to action values, or to logits and a value.
        named: names the model's outputs.
    """

    def __init__(self, model: keras.Model, named: Callable[[Any], dict[str, Any]]) -> None:
        model_input = model.inputs[0]
        observation = observation_spec(model_input.shape[1:], model_input.dtype)
        first = keras.tree.flatten(model.outputs)[0]
        time_steps, actions = specs_of(observation, first.shape[-1])
        info = {
            name: tf.TensorSpec(output.shape[1:], output.dtype, name=name)
            for name, output in named(model.outputs if len(model.outputs) > 1 else first).items()
        }
        super().__init__(time_steps, actions, info_spec=info, automatic_state_reset=False)
        self._network = KerasNetwork(model, observation)
        self._named = named

    def _variables(self) -> list[tf.Variable]:
        return self._network.variables

    def _action(self, time_step: Any, policy_state: Any, seed: Any = None) -> Any:
        outputs, _ = self._network(time_step.observation)
        best = tf.argmax(keras.tree.flatten(outputs)[0], axis=-1, output_type=tf.int32)
        # A separate node for each output, so that none is passed through.
        info = {name: tf.identity(value) for name, value in self._named(outputs).items()}
        return policy_step.PolicyStep(best, policy_state, info)

    def _distribution(self, time_step: Any, policy_state: Any) -> Any:
        raise NotImplementedError("A greedy policy has actions but no distribution.")


def save(model: keras.Model, named: Callable[[Any], dict[str, Any]], folder: Path) -> None:
    """Writes the SavedModel of the greedy policy of a plain model."""
    policy_saver.PolicySaver(GreedyPolicy(model, named), batch_size=None).save(str(folder))
