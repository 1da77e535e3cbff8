"""The `data` and `model` sections of reinforcement learning: games and budget, agent and network.

Lengths of training: `it` counts training steps. One step follows on `frames_per_update` frames
under DQN, and on a rollout of all games under PPO. `ep` counts epochs of `data.epoch` games or
frames. Frames are those that the agent sees: under a frame skip of 4, each stands for 4.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated

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
    """Which game, how many are played at once, and how returns are measured.

    Args:
        name: `CartPole-v1`, `MinAtar/breakout`, `ALE/Breakout`, ... (`list environments`), any
            environment of gymnasium with a finite set of actions, or `module:Name`, from a module
            of your own.
        envs: games played side by side.
        time_limit: frames after which a game is cut off; 0: as the environment has it. CartPole-v0
            is `CartPole-v1` with 200.
        epoch: games or frames of one epoch, the unit `ep` of lengths.
        epoch_unit: `frames` or `games`.
        window: the metric is the mean return of this many last training games.
        reward_scale: what rewards are multiplied by in training; returns are not.
        clip_rewards: clip rewards to [-1, 1] in training; returns are not.
        episodic_life: Atari: a lost life ends the sum of rewards that is learned, in training.
        sticky_actions: Atari and MinAtar: probability that an action is ignored for the one before.
        eval_games: games of the greedy evaluation.
        eval_seed: seeds the games of the greedy evaluation, the same for every network.
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
    eval_seed: Seed = 10_000

    @property
    def modules(self) -> tuple[str, ...]:
        """Modules of the user's own that making the games imports."""
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
        double: the online network chooses the action that the target network values.
        gamma: discount.
        n_step: rewards that are summed before a value is taken instead.
        target_tau: share of the online network that an update moves the target network by; 1
            copies it.
        target_period: training steps between updates of the target network.
        replay: frames that the replay buffer holds.
        learning_starts: frames in the replay buffer before the first training step.
        frames_per_update: frames played for each training step.
        updates_per_call: training steps in one compiled call, between which no frame is played.
        explore_from: probability of a random action at the start.
        explore_to: the same from `explore_over` on.
        explore_over: fraction of the whole training over which it falls, linearly.
        rewind_replay: `empty` the replay buffer at the rewind point, or `keep` what it holds there.

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

    A training step plays `rollout` frames in each of the games, and goes over them `epochs` times.
    `train.batch_size` has no part in it.

    Args:
        gamma: discount.
        gae: λ of generalized advantage estimation.
        clip: how far the ratio of probabilities may go from 1.
        entropy: weight of the entropy.
        value_loss: weight of the value loss.
        rollout: frames of each game a step.
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
    """Which network, and which algorithm trains it.

    Args:
        name: `mlp`, `minatar_cnn`, `nature_cnn` (Mnih et al. 2015) or `yu_cnn` (Yu et al. 2019).
        hidden: widths of the dense hidden layers; empty: as the network has them.
        dueling: DQN: value and advantages apart (Wang et al. 2016, 1511.06581).
        algorithm: `dqn` or `ppo`.
    """

    name: Annotated[str, OneOf(NETWORKS)] = "mlp"
    hidden: tuple[Positive, ...] = ()
    dueling: Annotated[bool, ReadWhen("algorithm", "dqn")] = False
    algorithm: Annotated[str, OneOf(ALGORITHMS)] = "dqn"
    dqn: Annotated[DqnConfig, ReadWhen("algorithm", "dqn")] = field(default_factory=DqnConfig)
    ppo: Annotated[PpoConfig, ReadWhen("algorithm", "ppo")] = field(default_factory=PpoConfig)
