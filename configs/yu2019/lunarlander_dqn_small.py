"""LunarLander with DQN on a budget of frames: a small `yu2019/lunarlander_dqn`, for two cores.

The protocol is that of Yu et al. 2019 (arXiv 1906.02768): all weights and biases pruned together,
rewinding to the end of the first epoch. The paper trains with A2C; DQN is this project's choice.
"""

from ml_collections import ConfigDict

SECTIONS = ("data", "model", "optimizer", "train", "prune", "rewind")


# The paper's claims, as comparisons of this experiment.
PAPER_NAME = "Yu et al. 2019 (1906.02768)"
CLAIMS = (
    {
        "says": "Winning tickets are better than random ones on LunarLander.",
        "source": f"{PAPER_NAME}, section 4.2",
        "compare": "winning > permuted_global by 20",
        "by_level": True,
        "remaining": (0.0, 0.6),
    },
    {
        "says": "Late rewinding helps on LunarLander.",
        "source": f"{PAPER_NAME}, section 4.3",
        "compare": "winning > winning_init by 20",
        "by_level": True,
        "remaining": (0.0, 0.6),
    },
    {
        "says": "Iterative pruning helps on LunarLander.",
        "source": f"{PAPER_NAME}, section 4.3",
        "compare": "winning > one_shot by 20",
        "by_level": True,
        "remaining": (0.0, 0.45),
    },
)


def get_config() -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    config = ConfigDict({section: {} for section in SECTIONS})
    config.name = "lunarlander_dqn_small"  # ours
    config.task = "rl"  # Yu 2019

    config.data.name = "LunarLander-v3"  # ours: v2 in the paper, which gymnasium has no more
    config.data.reward_scale = 0.01  # Yu 2019: rewards are divided by 100
    config.data.envs = 8  # ours: 32 in the paper
    config.data.epoch = 10_000  # ours: 640 games in the paper
    config.data.epoch_unit = "frames"  # ours: every arm gets as many
    config.data.window = 100  # Yu 2019, table A1: L
    config.data.eval_games = 20  # ours: the paper has no greedy evaluation

    config.model.name = "mlp"  # Yu 2019, table A1
    config.model.hidden = (256, 256, 256)  # Yu 2019, table A1
    config.model.algorithm = "dqn"  # ours: A2C in the paper
    config.model.dqn = {}
    config.model.dqn.double = True  # ours
    config.model.dqn.gamma = 0.99  # ours
    config.model.dqn.n_step = 3  # ours
    config.model.dqn.target_tau = 0.01  # ours
    config.model.dqn.target_period = 1  # ours
    config.model.dqn.replay = 100_000  # ours
    config.model.dqn.learning_starts = 1000  # ours
    config.model.dqn.frames_per_update = 4  # ours
    config.model.dqn.updates_per_call = 8  # ours
    config.model.dqn.explore_from = 1.0  # ours
    config.model.dqn.explore_to = 0.01  # ours
    config.model.dqn.explore_over = 0.2  # ours
    config.model.dqn.rewind_replay = "empty"  # ours: A2C has no replay buffer

    config.optimizer.name = "adam"  # ours: RMSprop in the paper
    config.optimizer.learning_rate = 3e-4  # ours
    # Ours: the paper's 1e-3 on Atari, scaled as the rewards are; 1e-7 lets values diverge
    config.optimizer.epsilon = 1e-5
    config.optimizer.global_clipnorm = 10.0  # ours
    config.optimizer.schedule = "linear"  # ours

    config.train.length = "20ep"  # Yu 2019, table A1
    config.train.batch_size = 64  # ours
    config.train.eval_every = 2000  # ours
    config.train.value = "final"  # Yu 2019: the last L games

    config.prune.rounds = 2  # ours: 20 in the paper
    config.prune.rate = 0.7  # ours: 0.2 in the paper
    config.prune.scope = "global"  # Yu 2019
    config.prune.biases = True  # Yu 2019: "all weights (including biases)"
    config.prune.criterion = "magnitude"  # Yu 2019

    config.rewind.to = "1ep"  # Yu 2019: after the first epoch

    config.seeds = (0,)  # ours: three in the paper
    config.arms = ("winning", "permuted_global", "permuted_layer")  # Yu 2019, and Morcos 2019
    config.draws = 1  # ours
    config.claims = CLAIMS
    return config
