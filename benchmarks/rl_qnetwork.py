"""This package's DQN agent with TF-Agents' own QNetwork and a Keras 2 optimizer."""

from typing import Any

import tensorflow as tf

from keras_lottery.tasks.rl.agents import Means
from keras_lottery.tasks.rl.bridge import observation_spec, specs_of
from keras_lottery.tasks.rl.dqn import Dqn
from keras_lottery.tasks.rl.replay import Replay
from keras_lottery.tasks.rl.task import RLTask
from keras_lottery.training.compilation import choose_compilation

CONVOLUTIONS = ((32, 8, 4), (64, 4, 2), (64, 3, 1))


class QNetworkDqn(Dqn):
    """Acts, stores and trains like `Dqn`; only the network differs."""

    _network: Any

    @classmethod
    def of(cls, task: RLTask, batch_size: int) -> "QNetworkDqn":
        """Returns the agent of a task's config and game."""
        agent = cls.__new__(cls)
        config, spec = task.config.model.dqn, task._spec
        agent.config, agent._spec = config, spec
        agent.frames_per_step, agent.steps_a_call = (
            config.frames_per_update,
            config.updates_per_call,
        )
        agent._batch_size, agent._replicas, agent._strategy = batch_size, 1, None
        agent._replay = Replay(
            spec, task.config.data.envs, config.replay, config.gamma, config.n_step
        )
        agent._means = Means()
        agent._network, agent._agent = _agent(task)
        # XLA if the masked agent uses it.
        compilation = choose_compilation(task._model, task._distribution, task.config.train.jit)
        agent._train = tf.function(agent._many_steps, jit_compile=compilation.xla, autograph=False)
        agent._values = tf.function(agent._best, jit_compile=compilation.xla, autograph=False)
        agent._traces = {}
        agent._count(0)
        return agent

    @property
    def _actions(self) -> int:
        return self._spec.actions

    def _count(self, step: int) -> None:
        self._reached = step

    def _best(self, observations: Any) -> tuple[Any, Any]:
        values, _ = self._network(observations)
        return tf.argmax(values, axis=-1), tf.reduce_mean(tf.reduce_max(values, axis=-1))

    def _learn_from(self, batch: Any) -> Any:
        return self._agent.train(self._experience(batch)).loss


def _agent(task: RLTask) -> tuple[Any, Any]:
    from tf_agents.agents.dqn import dqn_agent
    from tf_agents.networks import q_network

    config, spec = task.config.model.dqn, task._spec
    observation = observation_spec(spec.shape, spec.dtype)
    time_steps, actions = specs_of(observation, spec.actions)
    if task.config.model.name == "nature_cnn":
        network = q_network.QNetwork(
            observation,
            actions,
            preprocessing_layers=tf.keras.layers.Lambda(lambda x: tf.cast(x, tf.float32) / 255),
            conv_layer_params=CONVOLUTIONS,
            fc_layer_params=(512,),
        )
    else:
        network = q_network.QNetwork(observation, actions, fc_layer_params=task.config.model.hidden)
    kind = dqn_agent.DdqnAgent if config.double else dqn_agent.DqnAgent
    agent = kind(
        time_steps,
        actions,
        q_network=network,
        optimizer=tf.keras.optimizers.Adam(task.config.optimizer.learning_rate),
        epsilon_greedy=None,
        gamma=config.gamma,
        target_update_tau=config.target_tau,
        target_update_period=config.target_period,
        train_step_counter=tf.Variable(0, dtype=tf.int64),
    )
    agent.initialize()
    # Create the slots here: a compiled function can't create variables.
    agent._optimizer.build(network.trainable_weights)
    return network, agent
