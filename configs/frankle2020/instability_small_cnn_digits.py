"""Instability to the order of the data: a small convolutional network on the digits.

Frankle, Dziugaite, Roy & Carbin 2020, "Linear mode connectivity and the lottery ticket hypothesis"
(arXiv 1912.05671), whose networks with batch norm are unstable at initialization and stable some
hundred or thousand steps later. This one is small enough to show it within minutes.
"""

from ml_collections import ConfigDict

SECTIONS = ("data", "model", "optimizer", "train", "prune", "rewind", "options")


# The paper's claims, as comparisons of this experiment.
PAPER_NAME = "Frankle et al. 2020 (1912.05671)"
CLAIMS = (
    {
        "says": "At initialization a network is not stable to the order of the data.",
        "source": f"{PAPER_NAME}, section 3",
        "compare": "dense at 0 < 0.02",
    },
    {
        "says": "It becomes stable early in training.",
        "source": f"{PAPER_NAME}, section 3",
        "compare": "dense at 150 > 0.02",
    },
    {
        "says": "Subnetworks rewound to a point early in training are stable.",
        "source": f"{PAPER_NAME}, section 4",
        "compare": "winning at 150 > 0.02",
    },
)


def get_config() -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    config = ConfigDict({section: {} for section in SECTIONS})
    config.name = "instability_small_cnn_digits"  # ours
    config.task = "vision"  # Frankle 2020: image classification
    config.study = "instability"  # Frankle 2020

    config.data.name = "digits"  # ours: the data set that needs no network
    config.data.dir = ""  # ours
    config.data.validation_size = 200  # ours: as quickstart
    config.data.scaling = "unit"  # ours: as quickstart

    config.model.name = "small_cnn"  # ours: three convolutions with batch norm

    config.optimizer.name = "sgd"  # Frankle 2020
    config.optimizer.learning_rate = 1.0  # ours: high enough for copies to go apart
    config.optimizer.momentum = 0.9  # ours: as F&C 2019 for ResNet-18

    config.train.length = "600it"  # ours: 15 epochs
    config.train.batch_size = 30  # ours: small enough for the order to matter
    config.train.eval_every = 0  # ours: once an epoch
    config.train.value = "final"  # ours

    config.prune.rounds = 3  # ours: 21.6 % remaining
    config.prune.rate = 0.4  # ours
    config.prune.scope = "global"  # Frankle 2020
    config.prune.criterion = "magnitude"  # Frankle 2020

    config.rewind.to = "0it"  # ours: the points of the options stand in its place

    config.options.points = ("0it", "10it", "40it", "150it")  # ours
    config.options.subjects = ("dense", "winning")  # Frankle 2020
    config.options.orders = 3  # Frankle 2020: three data orders
    config.options.alphas = 30  # Frankle 2020

    config.seeds = (0, 1, 2)  # Frankle 2020: three initializations
    config.claims = CLAIMS
    return config
