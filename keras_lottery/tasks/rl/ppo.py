"""Proximal policy optimization through TF-Agents: on-policy, like the paper's A2C."""

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
    without_warnings,
)
from keras_lottery.tasks.rl.config import PpoConfig
from keras_lottery.tasks.rl.environments.games import Played
from keras_lottery.tasks.rl.environments.spaces import GameSpec
from keras_lottery.training import checkpoint
from keras_lottery.types import Start, State

with without_gym():
    import tensorflow_probability as tfp
    from tf_agents.agents.ppo import ppo_clip_agent
    from tf_agents.trajectories import trajectory
    from tf_agents.utils import value_ops

    from keras_lottery.tasks.rl.bridge import (
        KerasNetwork,
        KerasOptimizer,
        observation_spec,
        specs_of,
    )

_FIRST, _MID, _LAST = 0, 1, 2


class Ppo:
    """A PPO agent around one masked network with a policy head and a value head.

    TF-Agents' PPO treats truncation as termination. So the bootstrapped value of the final
    observation is added to the last reward of a truncated episode.

    Args:
        model: masked, compiled with its optimizer, created under the distribution's scope.
        spec: shapes of the environment.
        config: of the algorithm.
        games: number of parallel environments.
        xla: compile with XLA.
        distribution: devices of the model's replicas, which split the environments evenly.
    """

    steps_a_call = 1
    whole_rounds = True

    def __init__(
        self,
        model: keras.Model,
        spec: GameSpec,
        config: PpoConfig,
        games: int,
        xla: bool,
        distribution: Distribution,
    ) -> None:
        self.model = model
        self.config = config
        self.frames_per_step = config.rollout * games
        self._spec = spec
        self._games = games
        self._replicas = distribution.replicas
        self._strategy = distribution.strategy
        self._means = Means()
        self._fresh_optimizer = checkpoint.capture_optimizer(model.optimizer)
        self._rollout = _Rollout(spec, games, config.rollout, config.gamma)
        with distribution.scope(), without_warnings():
            self._agent = _make_agent(model, spec, config)
        self._train = tf.function(self._one_step, jit_compile=xla, autograph=False)
        self._heads = tf.function(self._both, jit_compile=xla, autograph=False)

    def compile(self) -> None:
        self._heads(tf.zeros((self._games, *self._spec.shape), self._spec.dtype))
        self._train(*map(tf.convert_to_tensor, self._rollout.arrays()))

    def restore(self, start: Start) -> None:
        place_model(self.model, start, self._fresh_optimizer)
        self._agent.train_step_counter.assign(start.step * self.config.epochs)
        self._means.take()

    def begin(self, frames: NDArray[Any]) -> None:
        self._rollout.begin()

    def forget(self) -> None:
        """Does nothing: nothing is kept between training steps."""

    def act(
        self, observations: NDArray[Any], progress: float, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        logits, value = (x.numpy() for x in self._heads(tf.convert_to_tensor(observations)))
        self._means.add(value=value)
        # The Gumbel-max trick samples from the policy.
        actions = np.argmax(logits + rng.gumbel(size=logits.shape), axis=-1)
        self._rollout.see(observations, actions, logits, value)
        return actions

    def greedy(self, observations: NDArray[Any]) -> NDArray[np.int64]:
        logits = self._heads(tf.convert_to_tensor(observations))[0].numpy()
        return np.argmax(logits, axis=-1)

    def note(
        self, actions: NDArray[np.int64], rewards: NDArray[np.float32], played: Played
    ) -> None:
        self._rollout.add(rewards, played)

    def learn(self, steps: int, observations: NDArray[Any], rng: np.random.Generator) -> None:
        self._rollout.close(
            observations, self._heads(tf.convert_to_tensor(observations))[1].numpy()
        )
        self._means.add(loss=loss_of(self._train, self._rollout.arrays()))
        self._rollout.clear()

    def logs(self) -> dict[str, float]:
        return self._means.take()

    def capture(self, step: int, epoch: int) -> State:
        return capture_model(self.model, step, epoch, {})

    def _both(self, observations: Any) -> Any:
        with masking.step_scope(self.model, guarded=True):
            return self.model(observations, training=False)

    def _one_step(self, *arrays: Any) -> Any:
        if self._strategy is None:
            return self._learn_from(arrays)
        losses = self._strategy.run(
            lambda batch: self._learn_from(share(batch, self._replicas)), args=(arrays,)
        )
        return self._strategy.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None)

    def _learn_from(self, arrays: Any) -> Any:
        step_type, observation, action, logits, following, reward, discount = arrays
        experience = trajectory.Trajectory(
            step_type,
            observation,
            action,
            {"dist_params": {"logits": logits}},
            following,
            reward,
            discount,
        )
        with masking.step_scope(self.model, guarded=True):
            return self._agent.train(experience).loss


class _Rollout:
    """The trajectory since the last training step; every array is `(games, frames + 1, ...)`."""

    def __init__(self, spec: GameSpec, games: int, frames: int, gamma: float) -> None:
        lead = (games, frames + 1)
        self._type = np.full(lead, _MID, np.int32)
        self._observations = np.zeros((*lead, *spec.shape), spec.dtype)
        self._actions = np.zeros(lead, np.int32)
        self._logits = np.zeros((*lead, spec.actions), np.float32)
        self._following = np.full(lead, _MID, np.int32)
        self._rewards = np.zeros(lead, np.float32)
        self._discounts = np.ones(lead, np.float32)
        self._now = np.full(games, _FIRST, np.int32)
        self._cut = np.zeros(games, bool)
        self._gamma = gamma
        self._row = 0

    def begin(self) -> None:
        self._now[:] = _FIRST
        self._cut[:] = False
        self._row = 0

    def clear(self) -> None:
        self._row = 0

    def see(self, observations: Any, actions: Any, logits: Any, values: Any) -> None:
        row = self._row
        self._go_on(values)
        self._type[:, row] = self._now
        self._observations[:, row] = observations
        self._actions[:, row] = actions
        self._logits[:, row] = logits

    def add(self, rewards: NDArray[np.float32], played: Played) -> None:
        row = self._row
        self._rewards[:, row] = rewards
        self._discounts[:, row] = np.where(played.terminated, 0, 1)
        self._now = np.where(played.over, _LAST, np.where(played.first, _FIRST, _MID))
        self._now = self._now.astype(np.int32)
        self._following[:, row] = self._now
        self._cut = played.over & ~played.terminated
        self._row += 1

    def _go_on(self, values: NDArray[np.float32]) -> None:
        """Bootstraps episodes that were truncated in the last row from their final observations."""
        if self._row:
            self._rewards[self._cut, self._row - 1] += self._gamma * values[self._cut]
        self._cut = np.zeros_like(self._cut)

    def close(self, observations: NDArray[Any], values: NDArray[np.float32]) -> None:
        """Adds the current observations, without an action; only their values are used."""
        row = self._row
        self._go_on(values)
        self._type[:, row] = self._now
        self._observations[:, row] = observations
        self._following[:, row] = _MID

    def arrays(self) -> tuple[NDArray[Any], ...]:
        return (
            self._type,
            self._observations,
            self._actions,
            self._logits,
            self._following,
            self._rewards,
            self._discounts,
        )


class _Agent(ppo_clip_agent.PPOClipAgent):
    """TF-Agents' PPO, which takes the value of the last frame for that of the one after it."""

    def compute_advantages(
        self, rewards: Any, returns: Any, discounts: Any, value_preds: Any
    ) -> Any:
        """Returns generalized advantage estimates (Schulman et al. 2016, 1506.02438), `(games, T)`.

        Args:
            rewards: `(games, T)`.
            returns: not used.
            discounts: γ, or 0 where a game terminated, `(games, T)`.
            value_preds: values of T frames and of the one after them, `(games, T + 1)`.
        """
        return value_ops.generalized_advantage_estimation(
            values=value_preds[:, :-1],
            final_value=value_preds[:, -1],
            rewards=rewards,
            discounts=discounts,
            td_lambda=self._lambda,
            time_major=False,
        )


def _make_agent(
    model: keras.Model, spec: GameSpec, config: PpoConfig
) -> ppo_clip_agent.PPOClipAgent:
    observation = observation_spec(spec.shape, spec.dtype)
    time_steps, actions = specs_of(observation, spec.actions)
    return _Agent(
        time_steps,
        actions,
        optimizer=KerasOptimizer(model),
        actor_net=KerasNetwork(model, observation, _policy, name="Actor"),
        value_net=KerasNetwork(model, observation, _value, name="Value"),
        importance_ratio_clipping=config.clip,
        lambda_value=config.gae,
        discount_factor=config.gamma,
        entropy_regularization=config.entropy,
        value_pred_loss_coef=config.value_loss,
        num_epochs=config.epochs,
        use_gae=True,
        use_td_lambda_return=True,
        normalize_rewards=False,
        normalize_observations=False,
        train_step_counter=tf.Variable(0, dtype=tf.int64, trainable=False, name="train_step"),
    )


def _policy(outputs: Any) -> Any:
    return tfp.distributions.Categorical(logits=outputs[0], dtype=tf.int32)


def _value(outputs: Any) -> Any:
    return outputs[1]
