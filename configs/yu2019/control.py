"""Classic control with DQN, at the size of Yu et al. 2019 (arXiv 1906.02768), table A1.

The paper trains with A2C; DQN and its settings are our choice. The protocol is the paper's: all
weights and biases pruned together, rewinding to the end of the first of 20 epochs, the mean return
of the last 100 training episodes. Besides the three environments at full size there are variants
with a reduced frame budget that fits two CPU cores:

…_small: the same network in fewer frames and rounds.
cartpole_ppo_small: PPO, an on-policy method like the paper's A2C. The network has the paper's size,
    with a policy head and a value head.
minatar_breakout: pixels, instead of the Atari games. The game, the network and the budget are ours.
    MinAtar: Young & Tian 2019 (arXiv 1903.03176).
"""

from ml_collections import ConfigDict

DEFAULT = "cartpole_small"
VARIANTS = {
    "cartpole": "CartPole with DQN",
    "acrobot": "Acrobot with DQN",
    "lunarlander": "LunarLander with DQN",
    "cartpole_small": "CartPole with DQN, frame budget reduced to fit two CPU cores",
    "acrobot_small": "Acrobot with DQN, frame budget reduced to fit two CPU cores",
    "lunarlander_small": "LunarLander with DQN, frame budget reduced to fit two CPU cores",
    "cartpole_ppo_small": "CartPole with PPO, frame budget reduced to fit two CPU cores",
    "minatar_breakout": "MinAtar Breakout with DQN, for two CPU cores",
}

SECTIONS = ("data", "model", "optimizer", "train", "prune", "rewind")
PAPER_NAME = "Yu et al. 2019 (1906.02768)"

# By game: hidden layers, and M of table A1.
TABLE_A1 = {
    "cartpole": ((128, 128, 128), 160),
    "acrobot": ((256, 256, 256), 320),
    "lunarlander": ((256, 256, 256), 640),
}


def claims(game: str, margin: int) -> tuple[dict[str, object], ...]:
    """Returns the paper's claims about a game; differences in return below `margin` don't count."""
    return (
        {"says": f"Winning tickets are better than random ones on {game}.",
         "source": f"{PAPER_NAME}, section 4.2",
         "compare": f"winning > permuted_global by {margin}", "by_level": True,
         "remaining": (0.0, 0.6)},
        {"says": f"Late rewinding helps on {game}.",
         "source": f"{PAPER_NAME}, section 4.2",
         "compare": f"winning > winning_init by {margin}", "by_level": True,
         "remaining": (0.0, 0.6)},
        {"says": f"Iterative pruning helps on {game}.",
         "source": f"{PAPER_NAME}, section 4.2", "compare": f"winning > one_shot by {margin}",
         "by_level": True, "remaining": (0.0, 0.45)},
    )  # fmt: skip


# Ours, on Acrobot: what decides in the sparsest rounds with unscaled rewards. `permuted_layer` has
# the ticket's counts per layer, `reinit` its mask, and `permuted_input` all of it but the inputs.
POSITION_CLAIMS = (
    {"says": "Tickets are worse than masks shuffled within their layers below 4 % remaining.",
     "source": "ours", "compare": "winning < permuted_layer by 50", "by_level": True,
     "remaining": (0.0, 0.04)},
    {"says": "The mask is the cause: with other weights it is as bad below 4 % remaining.",
     "source": "ours", "compare": "reinit < permuted_layer by 50", "by_level": True,
     "remaining": (0.0, 0.04)},
    {"says": "The inputs that it reads are the cause: with these shuffled, the same mask learns.",
     "source": "ours", "compare": "permuted_input > reinit by 50", "by_level": True,
     "remaining": (0.0, 0.04)},
)  # fmt: skip


def get_config(argument: str = DEFAULT) -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    game = argument.partition("_")[0]
    config = protocol()
    if argument == "minatar_breakout":
        dqn(config)
        minatar_breakout(config)
        return config
    classic(config, game)
    if argument == "cartpole_ppo_small":
        cartpole_ppo_small(config)
        return config
    dqn(config)
    config.name = f"{game}_dqn"  # ours
    if argument.endswith("_small"):
        small(config, game)
    return config


def protocol() -> ConfigDict:
    """Returns the fields that all variants share, at the paper's number of rounds."""
    config = ConfigDict({section: {} for section in SECTIONS})
    config.task = "rl"  # Yu 2019

    config.data.eval_games = 20  # ours: the paper has no greedy evaluation

    config.optimizer.name = "adam"  # ours: RMSprop in the paper

    config.train.length = "20ep"  # Yu 2019, table A1
    config.train.value = "final"  # Yu 2019: the last L episodes

    config.prune.rounds = 20  # Yu 2019
    config.prune.rate = 0.2  # Yu 2019
    config.prune.scope = "global"  # Yu 2019
    config.prune.biases = True  # Yu 2019: "all weights (including biases)"
    config.prune.criterion = "magnitude"  # Yu 2019
    config.rewind.to = "1ep"  # Yu 2019: after the first epoch

    config.seeds = (0, 1, 2)  # Yu 2019: the whole process three times
    # The paper doesn't say how random tickets' masks are chosen; Morcos 2019, by the same group,
    # shuffles them over all layers.
    config.arms = ("winning", "permuted_global")  # Yu 2019
    return config


def classic(config: ConfigDict, game: str) -> None:
    """Sets a game of classic control and its network."""
    hidden, games = TABLE_A1[game]
    if game == "cartpole":
        config.data.name = "CartPole-v1"  # ours: v0 in the paper, which ends at 200 and not at 500
    elif game == "acrobot":
        config.data.name = "Acrobot-v1"  # Yu 2019
    else:
        config.data.name = "LunarLander-v3"  # ours: v2 in the paper; gymnasium no longer ships it
    config.data.reward_scale = 0.01  # Yu 2019: rewards are divided by 100
    config.data.envs = 32  # Yu 2019: environments in parallel
    config.data.epoch = games  # Yu 2019, table A1: M
    config.data.epoch_unit = "games"  # Yu 2019, table A1
    config.data.window = 100  # Yu 2019, table A1: L
    config.model.name = "mlp"  # Yu 2019, table A1
    config.model.hidden = hidden  # Yu 2019, table A1


def dqn(config: ConfigDict) -> None:
    """Sets the fields of DQN, all ours."""
    config.model.algorithm = "dqn"  # ours: A2C in the paper
    config.model.dqn = {}
    config.model.dqn.n_step = 3  # ours
    config.model.dqn.target_tau = 0.01  # ours
    config.model.dqn.target_period = 1  # ours
    config.model.dqn.replay = 100_000  # ours
    config.model.dqn.learning_starts = 1000  # ours
    config.model.dqn.explore_to = 0.01  # ours
    config.model.dqn.rewind_replay = "empty"  # ours: A2C has no replay buffer
    config.optimizer.learning_rate = 3e-4  # ours
    # The paper's 1e-3 on Atari, scaled like the rewards; with 1e-7, values diverge.
    config.optimizer.epsilon = 1e-5  # ours
    config.optimizer.global_clipnorm = 10.0  # ours
    config.train.batch_size = 128  # Yu 2019: 32 environments, 4 steps each
    config.train.eval_every = 1000  # ours


def small(config: ConfigDict, game: str) -> None:
    """Sets the fields of a small version."""
    config.name = f"{game}_dqn_small"  # ours
    config.data.envs = 8  # ours: 32 in the paper
    config.data.epoch_unit = "frames"  # ours: the same number for every arm
    config.optimizer.schedule = "linear"  # ours
    config.train.batch_size = 64  # ours
    config.train.eval_every = 512  # ours
    config.prune.rounds = 6  # ours: 20 in the paper
    config.prune.rate = 0.488  # ours: merges three of the paper's rounds of 0.2
    # Yu 2019's control as defined in the companion paper, Morcos 2019; then the controls of Morcos
    # 2019, appendix A.2, and Frankle & Carbin 2019, and Yu 2019's ablations.
    controls = ("permuted_global", "permuted_layer", "reinit", "one_shot", "winning_init")
    config.arms = ("winning", *controls)  # Yu 2019 and others, see above
    if game == "cartpole":
        config.data.epoch = 5000  # ours: 160 episodes in the paper
        config.model.dqn.replay = 100_000  # ours: all frames
        config.model.dqn.learning_starts = 500  # ours
        config.seeds = (0, 1, 2, 3, 4)  # ours: three in the paper
        config.claims = claims("CartPole", 25)
    elif game == "acrobot":
        config.data.epoch = 3000  # ours: 320 episodes in the paper
        config.model.dqn.replay = 60_000  # ours: all frames
        config.claims = (*claims("Acrobot", 10), *POSITION_CLAIMS)
    else:
        config.data.epoch = 10_000  # ours: 640 episodes in the paper
        config.train.eval_every = 2000  # ours
        config.prune.rounds = 2  # ours: 20 in the paper
        config.prune.rate = 0.7  # ours: 0.2 in the paper
        config.seeds = (0,)  # ours: three in the paper
        config.arms = ("winning", "permuted_global", "permuted_layer")  # Yu 2019, and Morcos 2019
        config.claims = claims("LunarLander", 20)


def cartpole_ppo_small(config: ConfigDict) -> None:
    """Sets the fields of PPO, all ours."""
    config.name = "cartpole_ppo_small"  # ours
    config.data.envs = 16  # ours: 32 in the paper
    config.data.epoch = 8192  # ours: 160 episodes in the paper
    config.data.epoch_unit = "frames"  # ours: the same number for every arm
    config.model.algorithm = "ppo"  # ours: A2C in the paper
    config.model.ppo = {}
    config.model.ppo.rollout = 64  # ours: a step on 1024 frames
    config.optimizer.learning_rate = 1e-3  # ours
    config.optimizer.global_clipnorm = 0.5  # ours
    config.train.eval_every = 8  # ours
    config.prune.rounds = 6  # ours: 20 in the paper
    config.prune.rate = 0.488  # ours: merges three of the paper's rounds of 0.2
    config.arms = ("winning", "permuted_global", "permuted_layer")  # Yu 2019, and Morcos 2019
    config.claims = claims("CartPole", 25)


def minatar_breakout(config: ConfigDict) -> None:
    """Sets the fields of MinAtar's Breakout."""
    config.name = "minatar_breakout_dqn"  # ours
    config.data.name = "MinAtar/breakout"  # ours
    config.data.envs = 8  # ours
    config.data.epoch = 20_000  # ours
    config.data.epoch_unit = "frames"  # ours
    config.data.window = 100  # ours
    config.data.sticky_actions = 0.1  # ours: as in MinAtar
    config.model.name = "minatar_cnn"  # ours: as in MinAtar's own DQN
    config.model.hidden = (128,)  # ours: as in MinAtar's own DQN
    config.model.dqn.replay = 100_000  # ours: as in MinAtar's own DQN
    config.model.dqn.learning_starts = 5000  # ours: as in MinAtar's own DQN
    config.model.dqn.explore_to = 0.02  # ours
    config.optimizer.epsilon = 1e-3  # ours: as in the paper on Atari; with 1e-7, values diverge
    config.optimizer.schedule = "linear"  # ours
    config.train.length = "20ep"  # ours: 400,000 frames
    config.train.batch_size = 32  # ours: as in MinAtar's own DQN
    config.train.eval_every = 4000  # ours
    config.prune.rounds = 2  # ours: to 91 % pruned
    config.prune.rate = 0.7  # ours
    config.seeds = (0, 1)  # ours
    config.arms = ("winning", "permuted_global", "permuted_layer")  # Yu 2019, and Morcos 2019
    first, *_ = claims("Breakout", 1)
    config.claims = (first | {"not_comparable": "MinAtar's Breakout is another game"},)
