"""The `data` and `model` sections of reinforcement learning: games and budget, agent and network.

Lengths of training: `it` counts training steps, one per `frames_per_update` frames under DQN and
one per rollout of all environments under PPO. `ep` counts epochs of `data.epoch` games or frames.
Frames are those that the agent sees: with a frame skip of 4, each stands for 4 emulator frames.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, cast

from keras_lottery.config import Config
from keras_lottery.config.duration import Duration
from keras_lottery.config.fields import (
    AboveZero,
    Count,
    Filled,
    NotNegative,
    OneOf,
    Positive,
    Range,
    ReadWhen,
    Seed,
    Share,
)

EPOCH_UNITS = ("frames", "games")
NETWORKS = ("mlp", "minatar_cnn", "nature_cnn", "yu_cnn")
ALGORITHMS = ("dqn", "ppo")


@dataclass(frozen=True)
class RLData:
    """The game, the number of parallel environments, and how returns are measured.

    Args:
        name: `CartPole-v1`, `MinAtar/breakout`, `ALE/Breakout`, ... (`list environments`), any
            environment of gymnasium with a finite set of actions, or `module:Name`, from your own
            module.
        envs: number of parallel environments.
        time_limit: frames after which an episode is truncated; 0: the environment's own limit.
            CartPole-v0 is `CartPole-v1` with 200.
        epoch: games or frames of one epoch, the unit `ep` of lengths.
        epoch_unit: `frames` or `games`.
        window: the metric is the mean return of this many last training games.
        reward_scale: factor of training rewards; returns aren't scaled.
        clip_rewards: clip training rewards to [-1, 1]; returns aren't clipped.
        episodic_life: Atari: losing a life counts as termination in training.
        sticky_actions: Atari and MinAtar: probability of repeating the previous action.
        eval_games: number of greedy evaluation games.
        eval_seed: seed of the greedy evaluation games, the same for every network.
    """

    name: Annotated[str, Filled()] = "CartPole-v1"
    envs: Positive = 8
    time_limit: Count = 0
    epoch: Positive = 5000
    epoch_unit: Annotated[str, OneOf(EPOCH_UNITS)] = "frames"
    window: Positive = 100
    reward_scale: AboveZero = 1.0
    clip_rewards: bool = False
    episodic_life: Annotated[bool, ReadWhen("name", "ale/*")] = False
    sticky_actions: Annotated[
        float, Range(least=0, below=1), ReadWhen("name", "ale/*", "minatar/*")
    ] = 0.0
    eval_games: Count = 10
    eval_seed: Annotated[Seed, ReadWhen("eval_games")] = 10_000

    @property
    def modules(self) -> tuple[str, ...]:
        """The user's modules that creating the environments imports."""
        module, colon, _ = self.name.partition(":")
        return (module,) if colon else ()

    def problems(self) -> Iterable[str]:
        module, colon, name = self.name.partition(":")
        if colon and not (module and name):
            yield f"name: expected module:Name. Received: {self.name!r}"


@dataclass(frozen=True)
class DqnConfig:
    """Deep Q-learning.

    Args:
        double: the online network selects the action that the target network evaluates.
        gamma: discount.
        n_step: number of rewards summed before bootstrapping.
        target_tau: fraction by which an update moves the target network towards the online
            network; 1 copies it.
        target_period: training steps between updates of the target network.
        replay: capacity of the replay buffer in frames.
        learning_starts: frames in the replay buffer before the first training step.
        frames_per_update: frames played for each training step.
        updates_per_call: training steps per compiled call, without new frames in between.
        explore_from: probability of a random action at the start.
        explore_to: the same from `explore_over` on.
        explore_over: fraction of the training over which it decays linearly.
        rewind_replay: `empty` the replay buffer at the rewind point, or `keep` its content.

    Reference:
        Mnih et al. 2015, "Human-level control through deep reinforcement learning"; van Hasselt et
        al. 2016 (1509.06461) for `double`.
    """

    double: bool = True
    gamma: Share = 0.99
    n_step: Positive = 1
    target_tau: Share = 1.0
    target_period: Positive = 100
    replay: Positive = 20_000
    learning_starts: Positive = 500
    frames_per_update: Positive = 4
    updates_per_call: Positive = 8
    explore_from: Share = 1.0
    explore_to: Share = 0.05
    explore_over: Share = 0.2
    rewind_replay: Annotated[str, OneOf(("empty", "keep"))] = "empty"

    def problems(self) -> Iterable[str]:
        if self.replay < self.learning_starts:
            yield (
                f"replay: expected at least the {self.learning_starts} frames of "
                f"learning_starts. Received: {self.replay}"
            )


@dataclass(frozen=True)
class PpoConfig:
    """Proximal policy optimization, an on-policy method like the paper's A2C.

    A training step collects `rollout` frames in each environment, and trains on them for `epochs`
    epochs.

    Args:
        gamma: discount.
        gae: λ of generalized advantage estimation.
        clip: maximum distance of the probability ratio from 1.
        entropy: weight of the entropy bonus.
        value_loss: weight of the value loss.
        rollout: frames per environment and training step.
        epochs: passes over them.

    Reference:
        Schulman et al. 2017 (1707.06347).
    """

    gamma: Share = 0.99
    gae: Share = 0.95
    clip: AboveZero = 0.2
    entropy: NotNegative = 0.01
    value_loss: NotNegative = 0.5
    rollout: Annotated[int, Range(least=2)] = 64
    epochs: Positive = 8


@dataclass(frozen=True)
class RLModel:
    """The network, and the algorithm that trains it.

    Args:
        name: `mlp`, `minatar_cnn`, `nature_cnn` (Mnih et al. 2015) or `yu_cnn` (Yu et al. 2019).
        hidden: widths of the dense hidden layers; empty: the network's own.
        dueling: DQN: separate value and advantages (Wang et al. 2016, 1511.06581).
        algorithm: `dqn` or `ppo`.
    """

    name: Annotated[str, OneOf(NETWORKS)] = "mlp"
    hidden: tuple[Positive, ...] = ()
    dueling: Annotated[bool, ReadWhen("algorithm", "dqn")] = False
    algorithm: Annotated[str, OneOf(ALGORITHMS)] = "dqn"
    dqn: Annotated[DqnConfig, ReadWhen("algorithm", "dqn")] = field(default_factory=DqnConfig)
    ppo: Annotated[PpoConfig, ReadWhen("algorithm", "ppo")] = field(default_factory=PpoConfig)


RLConfig = Config[RLData, RLModel]
"""A config of this task."""


def ignored(config: Config) -> dict[str, str]:
    """Returns the fields that agents don't read, with the reason."""
    fields = dict.fromkeys(
        ("train.evaluate_start", "train.drop_remainder", "train.average", "train.average_every"),
        "in the task 'rl'",
    )
    if cast(RLModel, config.model).algorithm == "ppo":
        fields["train.batch_size"] = "under PPO, whose steps have model.ppo.rollout frames per game"
    if not Duration.parse(config.rewind.to).count:
        fields["model.dqn.rewind_replay"] = "at rewind.to='0it', where the buffer is empty"
    return fields
