"""Instability to the data order.

Frankle, Dziugaite, Roy & Carbin 2020, "Linear mode connectivity and the lottery ticket hypothesis"
(arXiv 1912.05671). The variants:

small_cnn_digits: the paper's networks with batch norm are unstable at initialization and stable
    some hundreds or thousands of steps later. This one is small enough to show it in minutes.
resnet20_cifar10: the dense network is stable from step 2,000 on, the subnetworks of iterative
    magnitude pruning from step 500 on.
resnet8_cifar10: a third of its blocks on images of 16 × 16 pixels, small enough for two cores, at a
    rate at which its tickets need late rewinding (`frankle2020/late_rewinding`).
lenet_mnist: stable from initialization on, dense and pruned. Network and training are as in
    `frankle2019/lenet_mnist`.
"""

from ml_collections import ConfigDict

from keras_lottery.config import presets

DEFAULT = "small_cnn_digits"
VARIANTS = {
    "small_cnn_digits": "Instability of a small convolutional network on the digits",
    "resnet20_cifar10": "Instability of ResNet-20 on CIFAR-10",
    "resnet8_cifar10": "Instability of ResNet-8 on small images of CIFAR-10, for two CPU cores",
    "lenet_mnist": "Instability of LeNet-300-100 on MNIST",
}

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

RESNET8_CLAIMS = (
    {"says": "At initialization a residual network is not stable to the order of the data.",
     "source": f"{PAPER_NAME}, section 3", "compare": "dense at 0 < 0.02"},
    {"says": "It becomes stable early in training.",
     "source": f"{PAPER_NAME}, section 3", "compare": "dense at 1000 > 0.02"},
    {"says": "Subnetworks rewound to initialization are not stable.",
     "source": f"{PAPER_NAME}, section 4", "compare": "winning at 0 < 0.02"},
    {"says": "Subnetworks rewound to a point early in training are stable.",
     "source": f"{PAPER_NAME}, section 4", "compare": "winning at 200 > 0.02"},
)  # fmt: skip


def get_config(argument: str = DEFAULT) -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    config = NETWORKS[argument]()
    config.name = f"instability_{argument}"  # ours
    config.task = "vision"  # Frankle 2020: image classification
    config.study = "instability"  # Frankle 2020

    config.train.eval_every = 0  # ours: once an epoch
    config.train.value = "final"  # ours

    config.prune.scope = "global"  # Frankle 2020
    config.prune.criterion = "magnitude"  # Frankle 2020
    config.rewind.to = "0it"  # ours: `options.points` takes its place

    config.options.subjects = ("dense", "winning")  # Frankle 2020
    config.options.orders = 3  # Frankle 2020: three data orders
    config.options.alphas = 30  # Frankle 2020

    config.seeds = (0, 1, 2)  # Frankle 2020: three initializations

    if argument == "resnet8_cifar10":
        config.seeds = (1, 2, 3)  # ours: its settings were chosen on seed 0
        config.options.orders = 2  # ours: three in the paper
        config.options.alphas = 7  # ours: 30 in the paper
    return config


def small_cnn_digits() -> ConfigDict:
    """Returns the fields of the small network."""
    config = presets.load("quickstart")
    config.model = {"name": "small_cnn"}  # ours: three convolutions with batch norm
    config.optimizer.name = "sgd"  # Frankle 2020
    config.optimizer.learning_rate = 1.0  # ours: high enough for copies to diverge
    config.optimizer.momentum = 0.9  # ours: as F&C 2019 for ResNet-18
    config.train.length = "600it"  # ours: 15 epochs
    config.train.batch_size = 30  # ours: small enough for the order to matter
    config.prune.rounds = 3  # ours: 21.6 % remaining
    config.prune.rate = 0.4  # ours
    config.options = {"points": ("0it", "10it", "40it", "150it")}  # ours
    config.claims = CLAIMS
    del config.arms
    return config


def resnet20_cifar10() -> ConfigDict:
    """Returns the fields of ResNet-20."""
    config = presets.load("frankle2019/deep:resnet20")
    config.data.name = "cifar10"  # Frankle 2020
    config.data.augment = "flip_crop"  # Frankle 2020: the order of augmentation differs too
    config.model.name = "resnet20"  # Frankle 2020
    config.optimizer.name = "sgd"  # Frankle 2020
    config.optimizer.learning_rate = 0.1  # Frankle 2020
    config.optimizer.schedule = "piecewise"  # Frankle 2020
    config.optimizer.boundaries = ("80ep", "120ep")  # Frankle 2020
    config.optimizer.factor = 0.1  # Frankle 2020
    config.optimizer.l2 = 1e-4  # Frankle 2020: PyTorch's weight decay
    config.train.length = "160ep"  # Frankle 2020
    config.train.batch_size = 128  # Frankle 2020
    config.prune.rounds = 8  # ours: 16.8 % remaining
    config.prune.rate = 0.2  # Frankle 2020
    config.prune.output = True  # ours
    config.prune.exclude = ()  # ours: shortcuts are pruned, too
    config.options = {"points": ("0it", "100it", "500it", "1000it", "2000it")}  # ours: up to 2,000
    del config.arms
    return config


def resnet8_cifar10() -> ConfigDict:
    """Returns the fields of ResNet-8: what differs from ResNet-20."""
    config = resnet20_cifar10()
    config.data.resize = 16  # ours: a quarter of the pixels, and of the time
    config.data.augment = "none"  # ours: the network does not overfit in six epochs
    config.model.name = "resnet8"  # ours: ResNet-20 in the paper
    config.optimizer.learning_rate = 0.3  # ours: high enough that tickets need late rewinding
    config.optimizer.boundaries = ("2000it", "3000it")  # Frankle 2020: at 1/2 and 3/4
    config.train.length = "4000it"  # ours: 160 epochs in the paper, 56,250 steps
    config.train.batch_size = 64  # ours: 128 in the paper
    config.prune.rounds = 3  # ours: 12.5 % remaining
    config.prune.rate = 0.5  # ours: merges three of the paper's rounds of 0.2
    config.options = {"points": ("0it", "200it", "1000it")}  # ours
    config.claims = RESNET8_CLAIMS
    return config


def lenet_mnist() -> ConfigDict:
    """Returns the fields of LeNet."""
    config = presets.load("frankle2019/lenet_mnist")
    config.data.name = "mnist"  # Frankle 2020
    config.model.name = "lenet"  # Frankle 2020
    config.model.hidden = (300, 100)  # Frankle 2020
    config.prune.rounds = 15  # ours: 3.5 % remaining
    config.prune.rates = {}  # ours
    config.options = {"points": ("0it", "100it", "1000it")}  # ours: the paper finds it stable at 0
    del config.arms, config.draws, config.claims
    return config


NETWORKS = {
    "small_cnn_digits": small_cnn_digits,
    "resnet20_cifar10": resnet20_cifar10,
    "resnet8_cifar10": resnet8_cifar10,
    "lenet_mnist": lenet_mnist,
}
