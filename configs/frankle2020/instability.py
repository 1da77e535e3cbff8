"""Instability to the order of the data.

Frankle, Dziugaite, Roy & Carbin 2020, "Linear mode connectivity and the lottery ticket hypothesis"
(arXiv 1912.05671). The variants:

small_cnn_digits: the paper's networks with batch norm are unstable at initialization and stable
    some hundred or thousand steps later. This one is small enough to show it within minutes.
resnet20_cifar10: the dense network is stable from step 2,000 on, the subnetworks of iterative
    magnitude pruning from step 500 on.
lenet_mnist: stable from initialization on, dense and pruned. Network and training are those of
    `frankle2019/lenet_mnist`.
"""

from ml_collections import ConfigDict

DEFAULT = "small_cnn_digits"
VARIANTS = {
    "small_cnn_digits": "Instability of a small convolutional network on the digits",
    "resnet20_cifar10": "Instability of ResNet-20 on CIFAR-10",
    "lenet_mnist": "Instability of LeNet-300-100 on MNIST",
}

SECTIONS = ("data", "model", "optimizer", "train", "prune", "rewind", "options")
PAPER_NAME = "Frankle et al. 2020 (1912.05671)"

# The paper's claims, as comparisons of `small_cnn_digits`.
CLAIMS = (
    {"says": "At initialization a network is not stable to the order of the data.",
     "source": f"{PAPER_NAME}, section 3", "compare": "dense at 0 < 0.02"},
    {"says": "It becomes stable early in training.",
     "source": f"{PAPER_NAME}, section 3", "compare": "dense at 150 > 0.02"},
    {"says": "Subnetworks rewound to a point early in training are stable.",
     "source": f"{PAPER_NAME}, section 4", "compare": "winning at 150 > 0.02"},
)  # fmt: skip


def get_config(argument: str = DEFAULT) -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    config = ConfigDict({section: {} for section in SECTIONS})
    config.name = f"instability_{argument}"  # ours
    config.task = "vision"  # Frankle 2020: image classification
    config.study = "instability"  # Frankle 2020

    config.optimizer.name = "sgd"  # Frankle 2020

    config.train.eval_every = 0  # ours: once an epoch
    config.train.value = "final"  # ours

    config.prune.rate = 0.2  # Frankle 2020
    config.prune.scope = "global"  # Frankle 2020
    config.prune.criterion = "magnitude"  # Frankle 2020

    config.rewind.to = "0it"  # ours: `options.points` takes its place

    config.options.subjects = ("dense", "winning")  # Frankle 2020
    config.options.orders = 3  # Frankle 2020: three data orders
    config.options.alphas = 30  # Frankle 2020

    config.seeds = (0, 1, 2)  # Frankle 2020: three initializations
    NETWORKS[argument](config)
    return config


def small_cnn_digits(config: ConfigDict) -> None:
    """Sets the fields of the small network."""
    config.data.name = "digits"  # ours: the data set that needs no network
    config.data.validation_size = 200  # ours: as quickstart
    config.data.scaling = "unit"  # ours: as quickstart
    config.model.name = "small_cnn"  # ours: three convolutions with batch norm
    config.optimizer.learning_rate = 1.0  # ours: high enough for copies to go apart
    config.optimizer.momentum = 0.9  # ours: as F&C 2019 for ResNet-18
    config.train.length = "600it"  # ours: 15 epochs
    config.train.batch_size = 30  # ours: small enough for the order to matter
    config.prune.rounds = 3  # ours: 21.6 % remaining
    config.prune.rate = 0.4  # ours
    config.options.points = ("0it", "10it", "40it", "150it")  # ours
    config.claims = CLAIMS


def resnet20_cifar10(config: ConfigDict) -> None:
    """Sets the fields of ResNet-20."""
    config.data.name = "cifar10"  # Frankle 2020
    config.data.validation_size = 5000  # ours: as frankle2019/deep
    config.data.scaling = "standard"  # ours: as frankle2019/deep
    config.data.augment = "flip_crop"  # Frankle 2020: the order of augmentation differs too
    config.model.name = "resnet20"  # Frankle 2020
    config.optimizer.learning_rate = 0.1  # Frankle 2020
    config.optimizer.momentum = 0.9  # ours: as F&C 2019
    config.optimizer.schedule = "piecewise"  # Frankle 2020
    config.optimizer.boundaries = ("80ep", "120ep")  # Frankle 2020
    config.optimizer.factor = 0.1  # Frankle 2020
    config.optimizer.l2 = 1e-4  # Frankle 2020: PyTorch's weight decay
    config.train.length = "160ep"  # Frankle 2020
    config.train.batch_size = 128  # Frankle 2020
    config.prune.rounds = 8  # ours: 16.8 % remaining
    config.options.points = ("0it", "100it", "500it", "1000it", "2000it")  # ours: up to its 2,000


def lenet_mnist(config: ConfigDict) -> None:
    """Sets the fields of LeNet."""
    config.data.name = "mnist"  # Frankle 2020
    config.data.validation_size = 5000  # ours: as frankle2019/lenet_mnist
    config.data.scaling = "unit"  # ours: as frankle2019/lenet_mnist
    config.data.augment = "none"  # ours: as frankle2019/lenet_mnist
    config.model.name = "lenet"  # Frankle 2020
    config.model.hidden = (300, 100)  # Frankle 2020
    config.optimizer.name = "adam"  # ours: as F&C 2019
    config.optimizer.learning_rate = 1.2e-3  # ours: as F&C 2019
    config.train.length = "50000it"  # ours: as F&C 2019
    config.train.batch_size = 60  # ours: as F&C 2019
    config.prune.rounds = 15  # ours: 3.5 % remaining
    config.options.points = ("0it", "100it", "1000it")  # ours: the paper finds it stable at 0


NETWORKS = {
    "small_cnn_digits": small_cnn_digits,
    "resnet20_cifar10": resnet20_cifar10,
    "lenet_mnist": lenet_mnist,
}
