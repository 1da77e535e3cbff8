"""Breakout on Atari for some minutes: whether everything works, and nothing about scores.

A small version of `yu2019/atari_breakout_dqn`: 100,000 frames of training and one round.
"""

from ml_collections import ConfigDict

SECTIONS = ("data", "model", "optimizer", "train", "prune", "rewind")


# The paper's claims, as comparisons of this experiment.
PAPER_NAME = "Yu et al. 2019 (1906.02768)"
CLAIMS = (
    {
        "says": "Winning tickets are better than random ones on Breakout.",
        "source": f"{PAPER_NAME}, section 4.2",
        "compare": "winning > permuted_global by 1",
        "by_level": True,
        "remaining": (0.0, 0.6),
    },
)


def get_config() -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    config = ConfigDict({section: {} for section in SECTIONS})
    config.name = "atari_breakout_dqn_small"  # ours
    config.task = "rl"  # Yu 2019

    config.data.name = "ALE/Breakout"  # Yu 2019
    config.data.envs = 8  # ours: 1024 in the paper
    config.data.epoch = 10_000  # ours: 128,000 frames in the paper
    config.data.epoch_unit = "frames"  # Yu 2019, table A1
    config.data.window = 100  # ours: 1024 in the paper
    config.data.clip_rewards = True  # Yu 2019: to [-1, 1]
    config.data.episodic_life = True  # ours: as Mnih et al. 2015
    config.data.eval_games = 2  # ours
    config.data.time_limit = 2000  # ours

    config.model.name = "nature_cnn"  # ours: as Mnih et al. 2015
    config.model.hidden = (512,)  # ours: as Mnih et al. 2015
    config.model.algorithm = "dqn"  # ours: A2C in the paper
    config.model.dqn = {}
    config.model.dqn.double = True  # ours
    config.model.dqn.gamma = 0.99  # ours
    config.model.dqn.n_step = 3  # ours
    config.model.dqn.target_tau = 1.0  # ours
    config.model.dqn.target_period = 500  # ours
    config.model.dqn.replay = 50_000  # ours: 353 MB
    config.model.dqn.learning_starts = 1000  # ours
    config.model.dqn.frames_per_update = 16  # ours: one step on 16 frames, for two cores
    config.model.dqn.updates_per_call = 4  # ours
    config.model.dqn.explore_from = 1.0  # ours
    config.model.dqn.explore_to = 0.01  # ours
    config.model.dqn.explore_over = 0.2  # ours
    config.model.dqn.rewind_replay = "empty"  # ours: A2C has no replay buffer

    config.optimizer.name = "adam"  # Yu 2019
    config.optimizer.learning_rate = 1e-4  # ours
    config.optimizer.epsilon = 1e-3  # Yu 2019
    config.optimizer.global_clipnorm = 10.0  # ours

    config.train.length = "10ep"  # ours: 100,000 frames
    config.train.batch_size = 32  # ours: as Mnih et al. 2015
    config.train.eval_every = 500  # ours
    config.train.value = "final"  # Yu 2019: the last L games

    config.prune.rounds = 1  # ours: 20 in the paper
    config.prune.rate = 0.8  # ours
    config.prune.scope = "global"  # Yu 2019
    config.prune.biases = True  # Yu 2019: "all weights (including biases)"
    config.prune.criterion = "magnitude"  # Yu 2019

    config.rewind.to = "1ep"  # Yu 2019: after the first epoch

    config.seeds = (0,)  # ours
    config.arms = ("winning",)  # ours
    config.draws = 1  # ours
    config.claims = CLAIMS
    return config
