"""Deep Q-learning through TF-Agents: DQN and double DQN, with plain or dueling networks."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from keras_lottery import masking
from keras_lottery.backend.distribution import Distribution
from keras_lottery.tasks.rl.agents import (
    Means,
    capture_model,
    loss_of,
    place_model,
    share,
    without_gym,
)
from keras_lottery.tasks.rl.config import DqnConfig
from keras_lottery.tasks.rl.environments.games import Played
from keras_lottery.tasks.rl.environments.spaces import GameSpec
from keras_lottery.tasks.rl.replay import Replay
from keras_lottery.training import checkpoint
from keras_lottery.training.optimizers import restart_schedule
from keras_lottery.types import Start, State

with without_gym():
    from tf_agents.agents.dqn import dqn_agent
    from tf_agents.trajectories import policy_step, time_step, trajectory

    from keras_lottery.tasks.rl.bridge import (
        KerasNetwork,
        KerasOptimizer,
        observation_spec,
        specs_of,
    )

_TARGET = "target/"


class Dqn:
    """A DQN agent with a masked network and a target network under the same masks.

    Args:
        model: masked, compiled with its optimizer, created under the distribution's scope.
        target: another model of the same kind, with the same masks.
        spec: shapes of the environment.
        config: of the algorithm.
        games: number of parallel environments.
        batch_size: examples per training step.
        xla: compile with XLA.
        distribution: devices of the model's replicas.
    """

    whole_rounds = False

    def __init__(
        self,
        model: keras.Model,
        target: keras.Model,
        spec: GameSpec,
        config: DqnConfig,
        games: int,
        batch_size: int,
        xla: bool,
        distribution: Distribution,
    ) -> None:
        self.model = model
        self.config = config
        self._spec = spec
        self.frames_per_step = config.frames_per_update
        self.steps_a_call = config.updates_per_call
        self._target = target
        self._batch_size = batch_size
        self._replicas = distribution.replicas
        self._strategy = distribution.strategy
        self._replay = Replay(spec, games, config.replay, config.gamma, config.n_step)
        self._fresh_optimizer = checkpoint.capture_optimizer(model.optimizer)
        self._means = Means()
        with distribution.scope():
            self._agent = _make_agent(model, target, spec, config)
        self._train = tf.function(self._many_steps, jit_compile=xla, autograph=False)
        self._values = tf.function(self._best, jit_compile=xla, autograph=False)
        self._traces: dict[Any, Any] = {}
        self._reached = 0
        self._schedule_ahead = 0

    def compile(self) -> None:
        games = self._replay.games
        self._valued(np.zeros((games, *self._spec.shape), self._spec.dtype))
        lead = (self.steps_a_call, self._batch_size)
        observations = tf.zeros((*lead, *self._spec.shape), self._spec.dtype)
        zeros = tf.zeros(lead)
        self._train(observations, tf.zeros(lead, tf.int32), zeros, zeros, observations)

    def restore(self, start: Start) -> None:
        agent_state = place_model(self.model, start, self._fresh_optimizer)
        target = {
            k.removeprefix(_TARGET): v for k, v in agent_state.items() if k.startswith(_TARGET)
        }
        masking.set_weights(self._target, target or masking.get_weights(self.model))
        masking.set_masks(
            self._target, masking.get_masks(self.model), masking.get_fills(self.model)
        )
        self._schedule_ahead = start.learning_rate_step - start.step
        self._count(start.step)
        self._replay.clear()
        if "replay/place" in agent_state:
            self._replay.restore(agent_state)
        self._means.take()

    def begin(self, frames: NDArray[Any]) -> None:
        self._replay.begin(frames)

    def forget(self) -> None:
        if self.config.rewind_replay == "empty":
            self._replay.clear()

    def act(
        self, observations: NDArray[Any], progress: float, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        best, value = self._valued(observations)
        self._means.add(q_value=value)
        count = len(observations)
        at_random = rng.random(count) < self.exploration(progress)
        drawn = rng.integers(0, self._actions, count)
        return np.where(at_random, drawn, best.numpy()).astype(np.int64)

    def exploration(self, progress: float) -> float:
        """Returns the probability of a random action at a fraction of the training."""
        c = self.config
        done = min(progress / c.explore_over, 1.0) if c.explore_over else 1.0
        return c.explore_from + done * (c.explore_to - c.explore_from)

    def greedy(self, observations: NDArray[Any]) -> NDArray[np.int64]:
        best: NDArray[np.int64] = self._valued(observations)[0].numpy()
        return best.astype(np.int64)

    def note(
        self, actions: NDArray[np.int64], rewards: NDArray[np.float32], played: Played
    ) -> None:
        self._replay.add(actions, rewards, played)

    def learn(self, steps: int, observations: NDArray[Any], rng: np.random.Generator) -> None:
        self._reached += steps
        if not self._replay.ready(self.config.learning_starts):
            self._count(self._reached)
            return
        examples = self._replay.sample(steps, self._batch_size, rng)
        self._means.add(loss=loss_of(self._train, examples.arrays()))

    def _count(self, step: int) -> None:
        """Sets the step of the learning-rate schedule and of updates of the target network.

        Steps before the buffer is filled count, though nothing is learned. Otherwise the schedule
        of a network that is rewound behind them would be ahead of the dense one.
        """
        self._reached = step
        self._agent.train_step_counter.assign(step)
        for variable in self._agent.variables:  # next update of the target network
            if "periodic_update_targets" in variable.name:
                variable.assign(step % self.config.target_period)
        restart_schedule(self.model.optimizer, step + self._schedule_ahead)

    def logs(self) -> dict[str, float]:
        return self._means.take()

    def capture(self, step: int, epoch: int) -> State:
        agent_state = {f"{_TARGET}{k}": v for k, v in masking.get_weights(self._target).items()}
        if self.config.rewind_replay == "keep":
            agent_state |= self._replay.capture()
        return capture_model(self.model, step, epoch, agent_state)

    @property
    def replay(self) -> Replay:
        """The replay buffer."""
        return self._replay

    @property
    def target(self) -> keras.Model:
        """The target network."""
        return self._target

    @property
    def _actions(self) -> int:
        return int(self.model.output_shape[-1])

    def _valued(self, observations: NDArray[Any]) -> Any:
        """Calls `_values`, without TensorFlow's search for its trace, half of a call's time."""
        key = observations.shape, observations.dtype.name
        if key not in self._traces:
            self._traces[key] = self._values.get_concrete_function(tf.TensorSpec(*key))
        return self._traces[key](tf.convert_to_tensor(observations))

    def _best(self, observations: Any) -> tuple[Any, Any]:
        """Returns the greedy action of each environment, and the mean of their values."""
        with masking.step_scope(self.model, guarded=True):
            values = self.model(observations, training=False)
        return tf.argmax(values, axis=-1), tf.reduce_mean(tf.reduce_max(values, axis=-1))

    def _many_steps(self, *arrays: Any) -> Any:
        """Trains on examples of shape `(steps, batch, ...)`; returns the mean loss."""
        steps = arrays[0].shape[0]

        def body(i: Any, total: Any) -> Any:
            return i + 1, total + self._step([array[i] for array in arrays])

        return (
            tf.while_loop(lambda i, _: i < steps, body, [0, 0.0], parallel_iterations=1)[1] / steps
        )

    def _step(self, batch: Any) -> Any:
        if self._strategy is None:
            return self._learn_from(batch)
        losses = self._strategy.run(
            lambda arrays: self._learn_from(share(arrays, self._replicas)), args=(batch,)
        )
        return self._strategy.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None)

    def _learn_from(self, batch: Any) -> Any:
        # Stored weights are 0 where pruned, in the target network too: see `restore`.
        with masking.step_scope(self.model, guarded=True):
            return self._agent.train(self._experience(batch)).loss

    @staticmethod
    def _experience(batch: Any) -> Any:
        observations, actions, rewards, discounts, following = batch
        zeros, ones = tf.zeros_like(rewards), tf.ones_like(rewards)
        middle = tf.fill(actions.shape, time_step.StepType.MID)
        return trajectory.Transition(
            time_step.TimeStep(middle, zeros, ones, observations),
            policy_step.PolicyStep(actions, (), ()),
            time_step.TimeStep(middle, rewards, discounts, following),
        )


def _make_agent(
    model: keras.Model, target: keras.Model, spec: GameSpec, config: DqnConfig
) -> dqn_agent.DqnAgent:
    observation = observation_spec(spec.shape, spec.dtype)
    time_steps, actions = specs_of(observation, spec.actions)
    kind = dqn_agent.DdqnAgent if config.double else dqn_agent.DqnAgent
    return kind(
        time_steps,
        actions,
        q_network=KerasNetwork(model, observation),
        target_q_network=KerasNetwork(target, observation, name="TargetKerasNetwork"),
        optimizer=KerasOptimizer(model),
        epsilon_greedy=None,
        gamma=config.gamma,
        target_update_tau=config.target_tau,
        target_update_period=config.target_period,
        train_step_counter=tf.Variable(0, dtype=tf.int64, trainable=False, name="train_step"),
    )
