"""CartPole with DQN on a budget of frames: a small version of `yu2019/cartpole_dqn`, for two cores.

The protocol is that of Yu et al. 2019 (arXiv 1906.02768): three layers of 128, all weights and
biases pruned together, rewinding to the end of the first of 20 epochs, the mean return of the
last 100 training games. The paper trains with A2C; DQN is this project's choice.
"""

from ml_collections import ConfigDict

SECTIONS = ("data", "model", "optimizer", "train", "prune", "rewind")


# The paper's claims, as comparisons of this experiment.
PAPER_NAME = "Yu et al. 2019 (1906.02768)"
CLAIMS = (
    {
        "says": "Winning tickets are better than random ones on CartPole.",
        "source": f"{PAPER_NAME}, section 4.2",
        "compare": "winning > permuted_global by 25",
        "by_level": True,
        "remaining": (0.0, 0.6),
    },
    {
        "says": "Late rewinding helps on CartPole.",
        "source": f"{PAPER_NAME}, section 4.3",
        "compare": "winning > winning_init by 25",
        "by_level": True,
        "remaining": (0.0, 0.6),
    },
    {
        "says": "Iterative pruning helps on CartPole.",
        "source": f"{PAPER_NAME}, section 4.3",
        "compare": "winning > one_shot by 25",
        "by_level": True,
        "remaining": (0.0, 0.45),
    },
)


def get_config() -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    config = ConfigDict({section: {} for section in SECTIONS})
    config.name = "cartpole_dqn_small"  # ours
    config.task = "rl"  # Yu 2019

    config.data.name = "CartPole-v1"  # ours: v0 in the paper, which ends at 200 and not at 500
    config.data.reward_scale = 0.01  # Yu 2019: rewards are divided by 100
    config.data.envs = 8  # ours: 32 in the paper
    config.data.epoch = 5000  # ours: 160 games in the paper
    config.data.epoch_unit = "frames"  # ours: every arm gets as many
    config.data.window = 100  # Yu 2019, table A1: L
    config.data.eval_games = 20  # ours: the paper has no greedy evaluation

    config.model.name = "mlp"  # Yu 2019, table A1
    config.model.hidden = (128, 128, 128)  # Yu 2019, table A1
    config.model.algorithm = "dqn"  # ours: A2C in the paper
    config.model.dqn = {}
    config.model.dqn.double = True  # ours
    config.model.dqn.gamma = 0.99  # ours
    config.model.dqn.n_step = 3  # ours
    config.model.dqn.target_tau = 0.01  # ours
    config.model.dqn.target_period = 1  # ours
    config.model.dqn.replay = 100_000  # ours: all frames
    config.model.dqn.learning_starts = 500  # ours
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
    config.train.eval_every = 512  # ours
    config.train.value = "final"  # Yu 2019: the last L games

    config.prune.rounds = 6  # ours: 20 in the paper
    config.prune.rate = 0.488  # ours: three rounds of the paper's 0.2 in one
    config.prune.scope = "global"  # Yu 2019
    config.prune.biases = True  # Yu 2019: "all weights (including biases)"
    config.prune.criterion = "magnitude"  # Yu 2019

    config.rewind.to = "1ep"  # Yu 2019: after the first epoch

    config.seeds = (0, 1, 2, 3, 4)  # ours: three in the paper
    # The control of Yu 2019 as the sister paper, Morcos 2019, defines it; then those of Morcos
    # 2019, appendix A.2, and Frankle & Carbin 2019, and the ablations of Yu 2019.
    controls = ("permuted_global", "permuted_layer", "reinit", "one_shot", "winning_init")
    config.arms = ("winning", *controls)  # Yu 2019 and others, see above
    config.draws = 1  # ours
    config.claims = CLAIMS
    return config
