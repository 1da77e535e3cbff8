"""CartPole with PPO, an on-policy method as the paper's A2C is one: a small version.

The protocol is that of Yu et al. 2019 (arXiv 1906.02768). PPO is this project's choice; the network
has the paper's size, with one head for the policy and one for the value.
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
    config.name = "cartpole_ppo_small"  # ours
    config.task = "rl"  # Yu 2019

    config.data.name = "CartPole-v1"  # ours: v0 in the paper, which ends at 200 and not at 500
    config.data.reward_scale = 0.01  # Yu 2019: rewards are divided by 100
    config.data.envs = 16  # ours: 32 in the paper
    config.data.epoch = 8192  # ours: 160 games in the paper
    config.data.epoch_unit = "frames"  # ours: every arm gets as many
    config.data.window = 100  # Yu 2019, table A1: L
    config.data.eval_games = 20  # ours: the paper has no greedy evaluation

    config.model.name = "mlp"  # Yu 2019, table A1
    config.model.hidden = (128, 128, 128)  # Yu 2019, table A1
    config.model.algorithm = "ppo"  # ours: A2C in the paper
    config.model.ppo = {}
    config.model.ppo.gamma = 0.99  # ours
    config.model.ppo.gae = 0.95  # ours
    config.model.ppo.clip = 0.2  # ours
    config.model.ppo.entropy = 0.01  # ours
    config.model.ppo.value_loss = 0.5  # ours
    config.model.ppo.rollout = 64  # ours: a step on 1024 frames
    config.model.ppo.epochs = 8  # ours

    config.optimizer.name = "adam"  # ours: RMSprop in the paper
    config.optimizer.learning_rate = 1e-3  # ours
    config.optimizer.global_clipnorm = 0.5  # ours

    config.train.length = "20ep"  # Yu 2019, table A1
    config.train.eval_every = 8  # ours
    config.train.value = "final"  # Yu 2019: the last L games

    config.prune.rounds = 6  # ours: 20 in the paper
    config.prune.rate = 0.488  # ours: three rounds of the paper's 0.2 in one
    config.prune.scope = "global"  # Yu 2019
    config.prune.biases = True  # Yu 2019: "all weights (including biases)"
    config.prune.criterion = "magnitude"  # Yu 2019

    config.rewind.to = "1ep"  # Yu 2019: after the first epoch

    config.seeds = (0, 1, 2)  # Yu 2019: the whole process three times
    config.arms = ("winning", "permuted_global", "permuted_layer")  # Yu 2019, and Morcos 2019
    config.draws = 1  # ours
    config.claims = CLAIMS
    return config
