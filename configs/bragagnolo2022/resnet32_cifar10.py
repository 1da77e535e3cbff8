"""Neurons at equilibrium in ResNet-32 on CIFAR-10 (Bragagnolo et al. 2022, arXiv 2207.09455)."""

from ml_collections import ConfigDict

SECTIONS = ("data", "model", "optimizer", "train", "prune", "rewind", "options")


# The paper's claims, as comparisons of this experiment.
PAPER_NAME = "Bragagnolo et al. 2022 (2207.09455)"
CLAIMS = (
    {
        "says": "Freezing neurons at equilibrium costs no accuracy.",
        "source": f"{PAPER_NAME}, table 1",
        "compare": "equilibrium >= full within 0.005",
    },
    {
        "says": "Freezing neurons at equilibrium is better than freezing as many random ones.",
        "source": f"{PAPER_NAME}, section 4",
        "compare": "equilibrium > random by 0.002",
    },
)


def get_config() -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    config = ConfigDict({section: {} for section in SECTIONS})
    config.name = "resnet32_cifar10"  # ours
    config.task = "vision"  # Bragagnolo et al. 2022: image classification
    config.study = "equilibrium"  # Bragagnolo et al. 2022

    config.data.name = "cifar10"  # Bragagnolo et al. 2022
    config.data.dir = ""  # ours: the folder that holds the prepared data set
    config.data.validation_size = 500  # Bragagnolo et al. 2022: 1 % of the training images
    config.data.scaling = "standard"  # ours
    config.data.augment = "flip_crop"  # ours

    config.model.name = "resnet32"  # Bragagnolo et al. 2022

    config.optimizer.name = "sgd"  # Bragagnolo et al. 2022
    config.optimizer.learning_rate = 0.1  # Bragagnolo et al. 2022
    config.optimizer.momentum = 0.9  # Bragagnolo et al. 2022
    config.optimizer.l2 = 5e-4  # Bragagnolo et al. 2022: PyTorch's weight decay
    config.optimizer.schedule = "piecewise"  # Bragagnolo et al. 2022
    config.optimizer.boundaries = ("100ep", "150ep")  # Bragagnolo et al. 2022
    config.optimizer.factor = 0.1  # Bragagnolo et al. 2022

    config.train.length = "250ep"  # Bragagnolo et al. 2022
    config.train.batch_size = 100  # Bragagnolo et al. 2022
    config.train.value = "final"  # ours

    config.prune.rounds = 1  # ours: nothing is pruned here
    config.rewind.to = "0it"  # ours: nothing is rewound here

    config.options.epsilon = 1e-3  # Bragagnolo et al. 2022: for classification
    config.options.mu = 0.5  # Bragagnolo et al. 2022
    config.options.examples = 50  # ours: of the 500, to hold their outputs in memory

    config.seeds = (0, 1, 2)  # ours
    config.arms = ()  # ours: the arms are those of the study
    # Bragagnolo et al. 2022: convolutions and batch norm
    config.options.exclude = ("*dense*",)
    config.claims = CLAIMS
    return config
