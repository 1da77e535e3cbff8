"""Pixel control for two cores: Breakout of MinAtar with DQN, in place of the Atari games.

The protocol is that of Yu et al. 2019 (arXiv 1906.02768); the game, the network and the budget are
this project's choice, and so is DQN. MinAtar: Young & Tian 2019 (arXiv 1903.03176).
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
        "not_comparable": "MinAtar's Breakout is another game",
    },
)


def get_config() -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    config = ConfigDict({section: {} for section in SECTIONS})
    config.name = "minatar_breakout_dqn"  # ours
    config.task = "rl"  # Yu 2019

    config.data.name = "MinAtar/breakout"  # ours
    config.data.envs = 8  # ours
    config.data.epoch = 20_000  # ours
    config.data.epoch_unit = "frames"  # ours
    config.data.window = 100  # ours
    config.data.sticky_actions = 0.1  # ours: as MinAtar has it
    config.data.eval_games = 20  # ours

    config.model.name = "minatar_cnn"  # ours: as the DQN that MinAtar comes with
    config.model.hidden = (128,)  # ours: as the DQN that MinAtar comes with
    config.model.algorithm = "dqn"  # ours: A2C in the paper
    config.model.dqn = {}
    config.model.dqn.double = True  # ours
    config.model.dqn.gamma = 0.99  # ours
    config.model.dqn.n_step = 3  # ours
    config.model.dqn.target_tau = 0.01  # ours
    config.model.dqn.target_period = 1  # ours
    config.model.dqn.replay = 100_000  # ours: as the DQN that MinAtar comes with
    config.model.dqn.learning_starts = 5000  # ours: as the DQN that MinAtar comes with
    config.model.dqn.frames_per_update = 4  # ours
    config.model.dqn.updates_per_call = 8  # ours
    config.model.dqn.explore_from = 1.0  # ours
    config.model.dqn.explore_to = 0.02  # ours
    config.model.dqn.explore_over = 0.2  # ours
    config.model.dqn.rewind_replay = "empty"  # ours: A2C has no replay buffer

    config.optimizer.name = "adam"  # ours: RMSprop in the paper
    config.optimizer.learning_rate = 3e-4  # ours
    config.optimizer.epsilon = 1e-3  # ours: as the paper has it on Atari; 1e-7 lets values diverge
    config.optimizer.global_clipnorm = 10.0  # ours
    config.optimizer.schedule = "linear"  # ours

    config.train.length = "20ep"  # ours: 400,000 frames
    config.train.batch_size = 32  # ours: as the DQN that MinAtar comes with
    config.train.eval_every = 4000  # ours
    config.train.value = "final"  # Yu 2019: the last L games

    config.prune.rounds = 2  # ours: to 91 % pruned
    config.prune.rate = 0.7  # ours
    config.prune.scope = "global"  # Yu 2019
    config.prune.biases = True  # Yu 2019: "all weights (including biases)"
    config.prune.criterion = "magnitude"  # Yu 2019

    config.rewind.to = "1ep"  # Yu 2019: after the first epoch

    config.seeds = (0, 1)  # ours
    config.arms = ("winning", "permuted_global", "permuted_layer")  # Yu 2019, and Morcos 2019
    config.draws = 1  # ours
    config.claims = CLAIMS
    return config
