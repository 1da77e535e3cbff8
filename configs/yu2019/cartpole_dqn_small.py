"""CartPole with DQN on a budget of frames: a small version of `yu2019/cartpole_dqn`, for two cores.

The protocol is that of Yu et al. 2020 (arXiv 1906.02768): three layers of 128, all weights and
biases pruned together, rewinding to the end of the first of 20 epochs, the mean return of the
last 100 training games. The paper trains with A2C; DQN is this project's choice.
"""

from ml_collections import ConfigDict

SECTIONS = ("data", "model", "optimizer", "train", "prune", "rewind")


def get_config() -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    config = ConfigDict({section: {} for section in SECTIONS})
    config.name = "cartpole_dqn_small"  # ours
    config.task = "rl"  # Yu 2020

    config.data.name = "CartPole-v1"  # ours: v0 in the paper, which ends at 200 and not at 500
    config.data.envs = 8  # ours: 32 in the paper
    config.data.epoch = 5000  # ours: 160 games in the paper
    config.data.epoch_unit = "frames"  # ours: every arm gets as many
    config.data.window = 100  # Yu 2020, table A1: L
    config.data.eval_games = 20  # ours: the paper has no greedy evaluation

    config.model.name = "mlp"  # Yu 2020, table A1
    config.model.hidden = (128, 128, 128)  # Yu 2020, table A1
    config.model.algorithm = "dqn"  # ours: A2C in the paper
    config.model.dqn = {
        "double": True,  # ours
        "gamma": 0.99,  # ours
        "n_step": 3,  # ours
        "target_tau": 0.01,  # ours
        "target_period": 1,  # ours
        "replay": 100_000,  # ours: all frames
        "learning_starts": 500,  # ours
        "frames_per_update": 4,  # ours
        "updates_per_call": 8,  # ours
        "explore_from": 1.0,  # ours
        "explore_to": 0.01,  # ours
        "explore_over": 0.2,  # ours
        "rewind_replay": "empty",  # ours: A2C has no replay buffer
    }

    config.optimizer.name = "adam"  # ours: RMSprop in the paper
    config.optimizer.learning_rate = 3e-4  # ours
    config.optimizer.schedule = "linear"  # ours

    config.train.length = "20ep"  # Yu 2020, table A1
    config.train.batch_size = 64  # ours
    config.train.eval_every = 512  # ours
    config.train.value = "final"  # Yu 2020: the last L games

    config.prune.rounds = 6  # ours: 20 in the paper
    config.prune.rate = 0.488  # ours: three rounds of the paper's 0.2 in one
    config.prune.scope = "global"  # Yu 2020
    config.prune.biases = True  # Yu 2020: "all weights (including biases)"
    config.prune.criterion = "magnitude"  # Yu 2020

    config.rewind.to = "1ep"  # Yu 2020: after the first epoch

    config.seeds = (0, 1, 2, 3, 4)  # ours: three in the paper
    config.arms = (
        "winning",  # Yu 2020
        "permuted_global",  # Yu 2020, as the sister paper Morcos 2019 defines random tickets
        "permuted_layer",  # ours: Morcos 2019, appendix A.2
        "reinit",  # ours: Frankle & Carbin 2019
        "one_shot",  # Yu 2020, ablation
        "winning_init",  # Yu 2020, ablation: no late rewinding
    )
    config.draws = 1  # ours
    return config
