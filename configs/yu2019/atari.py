"""Atari games with DQN, at the size of Yu et al. 2019 (arXiv 1906.02768), table A1.

The paper trains with A2C, on frames whose size it does not state; DQN and frames of 84 × 84 are
our choice. `breakout_small` takes a few minutes for 100,000 frames of training and one round: it
shows that everything works, and says nothing about scores.
"""

from ml_collections import ConfigDict

from keras_lottery.config import presets

DEFAULT = "breakout"
GAMES = {
    "assault": "Assault",
    "berzerk": "Berzerk",
    "breakout": "Breakout",
    "centipede": "Centipede",
    "kangaroo": "Kangaroo",
    "krull": "Krull",
    "qbert": "Qbert",
    "seaquest": "Seaquest",
    "space_invaders": "SpaceInvaders",
}
VARIANTS = {
    **{name: f"{game} on Atari with DQN" for name, game in GAMES.items()},
    "breakout_small": "Breakout on Atari with DQN, in a few minutes",
}

# The paper's claim, as a comparison of `breakout_small`.
CLAIMS = (
    {"says": "Winning tickets are better than random ones on Breakout.",
     "source": "Yu et al. 2019 (1906.02768), section 4.2",
     "compare": "winning > permuted_global by 1", "by_level": True, "remaining": (0.0, 0.6)},
)  # fmt: skip


def get_config(argument: str = DEFAULT) -> ConfigDict:
    """Returns the experiment: what differs from the protocol and the DQN of `yu2019/control`."""
    game = argument.removesuffix("_small")
    paper = presets.module("yu2019/control")
    config = paper.protocol()
    paper.dqn(config)
    config.name = f"atari_{game}_dqn"  # ours

    config.data.name = f"ALE/{GAMES[game]}"  # Yu 2019
    config.data.envs = 8  # ours: 1024 in the paper
    config.data.epoch = 128_000  # Yu 2019, table A1: 1000 batches of 128 steps
    config.data.epoch_unit = "frames"  # Yu 2019, table A1
    config.data.window = 1024  # Yu 2019, table A1: L
    config.data.clip_rewards = True  # Yu 2019: to [-1, 1]
    config.data.episodic_life = True  # ours: as Mnih et al. 2015
    config.data.sticky_actions = 0.0  # ours
    config.data.eval_games = 10  # ours: the paper has no greedy evaluation

    config.model.name = "yu_cnn"  # Yu 2019, table A1
    config.model.hidden = (512, 512)  # Yu 2019, table A1
    config.model.dqn.target_tau = 1.0  # ours: as Mnih et al. 2015
    config.model.dqn.target_period = 2500  # ours: every 10,000 frames, as Mnih et al. 2015
    config.model.dqn.replay = 500_000  # ours: half of Mnih et al. 2015; 3.5 GB
    config.model.dqn.learning_starts = 20_000  # ours
    config.model.dqn.frames_per_update = 4  # ours: as Mnih et al. 2015
    config.model.dqn.updates_per_call = 4  # ours
    config.model.dqn.explore_from = 1.0  # ours: as Mnih et al. 2015
    config.model.dqn.explore_over = 0.1  # ours

    config.optimizer.name = "adam"  # Yu 2019
    config.optimizer.learning_rate = 1e-4  # ours: 1e-3 in the paper, for A2C
    config.optimizer.epsilon = 1e-3  # Yu 2019

    config.train.length = "25ep"  # Yu 2019, table A1
    config.train.batch_size = 32  # ours: as Mnih et al. 2015
    config.train.eval_every = 4000  # ours

    if argument == "breakout_small":
        small(config)
    return config


def small(config: ConfigDict) -> None:
    """Sets the fields of the small version."""
    config.name = "atari_breakout_dqn_small"  # ours
    config.data.epoch = 10_000  # ours: 128,000 frames in the paper
    config.data.window = 100  # ours: 1024 in the paper
    del config.data.sticky_actions
    config.data.eval_games = 2  # ours
    config.data.time_limit = 2000  # ours
    config.model.name = "nature_cnn"  # ours: as Mnih et al. 2015
    config.model.hidden = (512,)  # ours: as Mnih et al. 2015
    config.model.dqn.target_period = 500  # ours
    config.model.dqn.replay = 50_000  # ours: 353 MB
    config.model.dqn.learning_starts = 1000  # ours
    config.model.dqn.frames_per_update = 16  # ours: one step on 16 frames, for two CPU cores
    config.model.dqn.explore_over = 0.2  # ours
    config.train.length = "10ep"  # ours: 100,000 frames
    config.train.eval_every = 500  # ours
    config.prune.rounds = 1  # ours: 20 in the paper
    config.prune.rate = 0.8  # ours
    config.seeds = (0,)  # ours
    config.arms = ("winning",)  # ours
    config.claims = CLAIMS
