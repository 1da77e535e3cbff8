"""Conv-6 on CIFAR-10 (Frankle & Carbin 2019, arXiv 1803.03635).

The paper's figure: accuracy rises by up to 3.3 points, at 26.4 % of the weights remaining.

The layers that the paper lists have 2.26 M weights, not the 1.7 M that it prints: 1.14 M in the
convolutions, and 4 · 4 · 256 · 256 = 1.05 M in the first dense layer.
"""

from ml_collections import ConfigDict

# What the paper prints for this network: weights in all, and in convolutions.
PAPER = {
    "weights": "1.7M",
    "convolutions": "1.1M",
    "note": "the layers that the paper lists do not come to the 1.7M that it prints",
}

SECTIONS = ("data", "model", "optimizer", "train", "prune", "rewind")


# The paper's claims, as comparisons of this experiment.
PAPER_NAME = "Frankle & Carbin 2019 (1803.03635)"
CLAIMS = (
    {
        "says": "Conv-6 tickets beat the dense network by 3.3 points at 26.4 % remaining.",
        "source": f"{PAPER_NAME}, section 3",
        "compare": "winning > dense by 0.005",
        "remaining": (0.211, 0.33),
    },
    {
        "says": "Tickets stay above the dense network down to 2 % remaining.",
        "source": f"{PAPER_NAME}, section 3",
        "compare": "winning > dense",
        "remaining": (0.02, 0.6),
    },
    {
        "says": "Conv-6 tickets learn 2.5 times as fast as the dense network at 15.1 % remaining.",
        "source": f"{PAPER_NAME}, section 3",
        "compare": "winning > dense",
        "field": "best_step",
        "remaining": (0.121, 0.189),
    },
    {
        "says": "Tickets beat their reinitialized controls.",
        "source": f"{PAPER_NAME}, figure 5",
        "compare": "winning > reinit",
        "remaining": (0.0, 0.5),
    },
)


def get_config() -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    config = ConfigDict({section: {} for section in SECTIONS})
    config.prune.rates = {}
    config.name = "conv6_cifar10"  # ours
    config.task = "vision"  # F&C 2019: image classification

    config.data.name = "cifar10"  # F&C 2019, figure 2
    config.data.dir = ""  # ours: the folder that holds the prepared data set
    config.data.download = False  # ours: nothing is fetched unless asked for
    config.data.validation_size = 5000  # Zhou et al. 2019: 45,000 to train on
    config.data.scaling = "unit"  # Zhou et al. 2019: pixels divided by 255 and nothing else
    config.data.augment = "none"  # Zhou et al. 2019

    config.model.name = "conv6"  # F&C 2019, figure 2
    config.model.dropout = 0.0  # F&C 2019; 0.5 in its section on dropout

    config.optimizer.name = "adam"  # F&C 2019, figure 2
    config.optimizer.learning_rate = 3e-4  # F&C 2019, figure 2

    config.train.length = "30000it"  # F&C 2019, figure 2
    config.train.batch_size = 60  # F&C 2019, figure 2
    config.train.eval_every = 100  # F&C 2019
    config.train.value = "best"  # F&C 2019: test accuracy at the minimum of the validation loss

    config.prune.rounds = 24  # ours: the rounds of Zhou et al. 2019
    config.prune.scope = "layer"  # F&C 2019: layer-wise for Lenet and Conv
    config.prune.rate = 0.2  # F&C 2019, figure 2
    config.prune.rates.conv = 0.15  # F&C 2019, figure 2
    config.prune.rates.output = 0.1  # Zhou et al. 2019: half the rate
    config.prune.criterion = "magnitude"  # F&C 2019
    config.prune.biases = False  # ours: as Zhou et al. 2019

    config.rewind.to = "0it"  # F&C 2019: back to the initial weights

    config.seeds = (0, 1, 2, 3, 4)  # F&C 2019: five trials
    config.arms = ("winning", "reinit")  # F&C 2019
    config.draws = 3  # F&C 2019: three random reinitializations of each ticket
    config.claims = CLAIMS
    return config
