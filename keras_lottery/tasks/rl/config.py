"""The `data` and `model` sections of reinforcement learning: games and budget, agent and network.

Lengths of training: `it` counts training steps. One step follows on `frames_per_update` frames
under DQN, and on a rollout of all games under PPO. `ep` counts epochs of `data.epoch` games or
frames. Frames are those that the agent sees: under a frame skip of 4, each stands for 4.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

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
        sticky_actions: Atari: probability that an action is ignored for the one before.
        eval_games: games of the greedy evaluation.
        eval_seed: seeds the games of the greedy evaluation, the same for every network.
    """

    name: str = "CartPole-v1"
    envs: int = 8
    time_limit: int = 0
    epoch: int = 5000
    epoch_unit: str = "frames"
    window: int = 100
    reward_scale: float = 1.0
    clip_rewards: bool = False
    episodic_life: bool = False
    sticky_actions: float = 0.0
    eval_games: int = 10
    eval_seed: int = 10_000

    @property
    def modules(self) -> tuple[str, ...]:
        """Modules of the user's own that making the games imports."""
        module, colon, _ = self.name.partition(":")
        return (module,) if colon else ()

    def problems(self) -> Iterable[str]:
        module, colon, name = self.name.partition(":")
        if colon and not (module and name):
            yield f"name: expected module:Name. Received: {self.name!r}"
        if self.epoch_unit not in EPOCH_UNITS:
            known = ", ".join(EPOCH_UNITS)
            yield f"epoch_unit: expected one of {known}. Received: {self.epoch_unit!r}"
        least = {"envs": 1, "epoch": 1, "window": 1, "time_limit": 0, "eval_games": 0}
        yield from _below(self, least)
        if not 0 <= self.sticky_actions < 1:
            yield (
                "sticky_actions: expected a probability from 0 to below 1. "
                f"Received: {self.sticky_actions}"
            )
        if not self.reward_scale > 0:
            yield f"reward_scale: expected a number above 0. Received: {self.reward_scale}"


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
    gamma: float = 0.99
    n_step: int = 1
    target_tau: float = 1.0
    target_period: int = 100
    replay: int = 20_000
    learning_starts: int = 500
    frames_per_update: int = 4
    updates_per_call: int = 8
    explore_from: float = 1.0
    explore_to: float = 0.05
    explore_over: float = 0.2
    rewind_replay: str = "empty"

    def problems(self) -> Iterable[str]:
        least = dict.fromkeys(
            ("n_step", "target_period", "learning_starts", "frames_per_update", "updates_per_call"),
            1,
        )
        yield from _below(self, least)
        for name in ("gamma", "target_tau", "explore_from", "explore_to", "explore_over"):
            if not 0 <= getattr(self, name) <= 1:
                yield f"{name}: expected a number from 0 to 1. Received: {getattr(self, name)}"
        if self.rewind_replay not in ("empty", "keep"):
            yield (f"rewind_replay: expected 'empty' or 'keep'. Received: {self.rewind_replay!r}")
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

    gamma: float = 0.99
    gae: float = 0.95
    clip: float = 0.2
    entropy: float = 0.01
    value_loss: float = 0.5
    rollout: int = 64
    epochs: int = 8

    def problems(self) -> Iterable[str]:
        yield from _below(self, {"rollout": 2, "epochs": 1})
        for name in ("gamma", "gae"):
            if not 0 <= getattr(self, name) <= 1:
                yield f"{name}: expected a number from 0 to 1. Received: {getattr(self, name)}"


@dataclass(frozen=True)
class RLModel:
    """Which network, and which algorithm trains it.

    Args:
        name: `mlp`, `minatar_cnn`, `nature_cnn` (Mnih et al. 2015) or `yu_cnn` (Yu et al. 2019).
        hidden: widths of the dense hidden layers; empty: as the network has them.
        dueling: DQN: value and advantages apart (Wang et al. 2016, 1511.06581).
        algorithm: `dqn` or `ppo`.
    """

    name: str = "mlp"
    hidden: tuple[int, ...] = ()
    dueling: bool = False
    algorithm: str = "dqn"
    dqn: DqnConfig = field(default_factory=DqnConfig)
    ppo: PpoConfig = field(default_factory=PpoConfig)

    def problems(self) -> Iterable[str]:
        for name, known in (("name", NETWORKS), ("algorithm", ALGORITHMS)):
            received = getattr(self, name)
            if received not in known:
                yield f"{name}: expected one of {', '.join(known)}. Received: {received!r}"
        if self.hidden and min(self.hidden) < 1:
            yield f"hidden: expected widths of at least 1. Received: {self.hidden}"
        if self.dueling and self.algorithm != "dqn":
            yield f"dueling: expected False under {self.algorithm!r}. Received: True"


def _below(section: object, least: dict[str, int]) -> Iterable[str]:
    for name, smallest in least.items():
        if getattr(section, name) < smallest:
            yield f"{name}: expected {smallest} or more. Received: {getattr(section, name)}"
