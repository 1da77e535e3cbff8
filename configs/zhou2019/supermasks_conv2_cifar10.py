"""Zhou et al. 2019 (arXiv 1905.01067), section 5: heuristic supermasks of Conv-2 on CIFAR-10.

The dense network is trained once a seed. Each criterion makes of it a mask of every level, and
each mask is measured over the untrained weights and over their signed constants.
"""

from ml_collections import ConfigDict

SECTIONS = ("data", "model", "optimizer", "train", "prune", "rewind", "options")


# The paper's claims, as comparisons of this experiment.
PAPER_NAME = "Zhou et al. 2019 (1905.01067)"
CLAIMS = (
    {
        "says": "An untrained network under a heuristic mask reaches 41 % on CIFAR-10.",
        "source": f"{PAPER_NAME}, abstract",
        "compare": "best >= 0.41 within 0.01",
        "not_comparable": "the paper's network is Conv-6",
    },
)


def get_config() -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    config = ConfigDict({section: {} for section in SECTIONS})
    config.prune.rates = {}
    config.name = "supermasks_conv2_cifar10"  # ours
    config.task = "vision"  # Zhou et al. 2019
    config.study = "supermasks"  # Zhou et al. 2019, section 5

    config.data.name = "cifar10"  # Zhou et al. 2019
    config.data.dir = ""  # ours: the folder that holds the prepared data set
    config.data.download = False  # ours: nothing is fetched unless asked for
    config.data.validation_size = 5000  # Zhou et al. 2019: 45,000 to train on
    config.data.scaling = "unit"  # Zhou et al. 2019: pixels divided by 255
    config.data.augment = "none"  # Zhou et al. 2019

    config.model.name = "conv2"  # Zhou et al. 2019
    config.model.dropout = 0.0  # Zhou et al. 2019

    config.optimizer.name = "adam"  # Zhou et al. 2019
    config.optimizer.learning_rate = 2e-4  # Zhou et al. 2019

    config.train.length = "20000it"  # Zhou et al. 2019: 27 epochs
    config.train.batch_size = 60  # Zhou et al. 2019
    config.train.eval_every = 100  # Zhou et al. 2019
    config.train.value = "best"  # ours: of the dense network; the masks are of the final weights

    config.prune.rounds = 24  # Zhou et al. 2019; the levels below, one cut each
    config.prune.scope = "layer"  # Zhou et al. 2019: layer by layer
    config.prune.rate = 0.2  # Zhou et al. 2019: 0.8 kept a level
    config.prune.rates.conv = 0.1  # Zhou et al. 2019: 0.9 kept a level
    config.prune.rates.output = 0.1  # Zhou et al. 2019: 0.9 kept a level
    config.prune.biases = False  # Zhou et al. 2019: biases are never masked

    config.rewind.to = "0it"  # Zhou et al. 2019: the initial weights

    config.options.levels = 25  # Zhou et al. 2019, code: levels 0 to 24
    config.options.validation_examples = 0  # ours: all held-out images choose the level

    config.seeds = (0, 1, 2, 3, 4)  # ours
    config.arms = ()  # ours: nothing but the dense network is trained
    config.claims = CLAIMS
    return config
