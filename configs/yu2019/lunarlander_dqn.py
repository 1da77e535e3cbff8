"""LunarLander with DQN, at the size of Yu et al. 2019 (arXiv 1906.02768), table A1.

The paper trains with A2C; DQN is this project's choice, and so is whatever belongs to it.
"""

from ml_collections import ConfigDict

SECTIONS = ("data", "model", "optimizer", "train", "prune", "rewind")


def get_config() -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    config = ConfigDict({section: {} for section in SECTIONS})
    config.name = "lunarlander_dqn"  # ours
    config.task = "rl"  # Yu 2019

    config.data.name = "LunarLander-v3"  # ours: v2 in the paper, which gymnasium has no more
    config.data.reward_scale = 0.01  # Yu 2019: rewards are divided by 100
    config.data.envs = 32  # Yu 2019: games played in parallel
    config.data.epoch = 640  # Yu 2019, table A1: M
    config.data.epoch_unit = "games"  # Yu 2019, table A1
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

    config.train.length = "20ep"  # Yu 2019, table A1
    config.train.batch_size = 128  # Yu 2019: 32 games of 4 steps
    config.train.eval_every = 1000  # ours
    config.train.value = "final"  # Yu 2019: the last L games

    config.prune.rounds = 20  # Yu 2019
    config.prune.rate = 0.2  # Yu 2019
    config.prune.scope = "global"  # Yu 2019
    config.prune.biases = True  # Yu 2019: "all weights (including biases)"
    config.prune.criterion = "magnitude"  # Yu 2019

    config.rewind.to = "1ep"  # Yu 2019: after the first epoch

    config.seeds = (0, 1, 2)  # Yu 2019: the whole process three times
    # The paper does not say how masks of random tickets are drawn; Morcos 2019, of the same group,
    # shuffles them over all layers.
    config.arms = ("winning", "permuted_global")  # Yu 2019
    config.draws = 1  # ours
    return config
