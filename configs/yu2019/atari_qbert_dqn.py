"""Qbert on Atari with DQN, at the size of Yu et al. 2019 (arXiv 1906.02768), table A1.

The paper trains with A2C, on frames whose size it does not state; DQN and frames of 84 × 84 are
this project's choice.
"""

from ml_collections import ConfigDict

SECTIONS = ("data", "model", "optimizer", "train", "prune", "rewind")


def get_config() -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    config = ConfigDict({section: {} for section in SECTIONS})
    config.name = "atari_qbert_dqn"  # ours
    config.task = "rl"  # Yu 2019

    config.data.name = "ALE/Qbert"  # Yu 2019
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
    config.model.algorithm = "dqn"  # ours: A2C in the paper
    config.model.dqn = {}
    config.model.dqn.double = True  # ours
    config.model.dqn.gamma = 0.99  # ours
    config.model.dqn.n_step = 3  # ours
    config.model.dqn.target_tau = 1.0  # ours: as Mnih et al. 2015
    config.model.dqn.target_period = 2500  # ours: every 10,000 frames, as Mnih et al. 2015
    config.model.dqn.replay = 500_000  # ours: half of Mnih et al. 2015; 3.5 GB
    config.model.dqn.learning_starts = 20_000  # ours
    config.model.dqn.frames_per_update = 4  # ours: as Mnih et al. 2015
    config.model.dqn.updates_per_call = 4  # ours
    config.model.dqn.explore_from = 1.0  # ours: as Mnih et al. 2015
    config.model.dqn.explore_to = 0.01  # ours
    config.model.dqn.explore_over = 0.1  # ours
    config.model.dqn.rewind_replay = "empty"  # ours: A2C has no replay buffer

    config.optimizer.name = "adam"  # Yu 2019
    config.optimizer.learning_rate = 1e-4  # ours: 1e-3 in the paper, for A2C
    config.optimizer.epsilon = 1e-3  # Yu 2019
    config.optimizer.global_clipnorm = 10.0  # ours

    config.train.length = "25ep"  # Yu 2019, table A1
    config.train.batch_size = 32  # ours: as Mnih et al. 2015
    config.train.eval_every = 4000  # ours
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
