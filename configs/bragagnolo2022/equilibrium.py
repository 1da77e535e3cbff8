"""Neurons at equilibrium (Bragagnolo et al. 2022, arXiv 2207.09455).

Freezing follows the paper's formulas. As far as the paper doesn't say: outputs are compared over
all images and positions together, freezing begins after the second epoch, and a frozen neuron keeps
its momentum.

`small_cnn_digits` is a shorter version of the paper's protocol: the learning rate drops after two
and three fifths of the training, as in the paper.
"""

from ml_collections import ConfigDict

DEFAULT = "small_cnn_digits"
VARIANTS = {
    "small_cnn_digits": "Neurons at equilibrium in a small network with batch norm, on the digits",
    "resnet32_cifar10": "Neurons at equilibrium in ResNet-32 on CIFAR-10",
}

SECTIONS = ("data", "model", "optimizer", "train", "rewind", "options")
PAPER_NAME = "Bragagnolo et al. 2022 (2207.09455)"

# The paper's claims, as comparisons of this experiment.
CLAIMS = (
    {"says": "Freezing neurons at equilibrium costs no accuracy.",
     "source": f"{PAPER_NAME}, table 1", "compare": "equilibrium >= full within 0.005"},
    {"says": "Freezing neurons at equilibrium is better than freezing as many random ones.",
     "source": f"{PAPER_NAME}, section 4", "compare": "equilibrium > random by 0.002"},
)  # fmt: skip


def get_config(argument: str = DEFAULT) -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    config = ConfigDict({section: {} for section in SECTIONS})
    config.name = argument  # ours
    config.task = "vision"  # Bragagnolo et al. 2022: image classification
    config.study = "equilibrium"  # Bragagnolo et al. 2022

    config.data.name = "cifar10"  # Bragagnolo et al. 2022
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

    config.rewind.to = "0it"  # ours, unused: this study doesn't rewind

    config.options.epsilon = 1e-3  # Bragagnolo et al. 2022: for classification
    config.options.mu = 0.5  # Bragagnolo et al. 2022
    config.options.examples = 50  # ours: of the 500, so that their outputs fit in memory
    config.options.exclude = ("*dense*",)  # Bragagnolo et al. 2022: convolutions and batch norm

    config.seeds = (0, 1, 2)  # ours
    config.arms = ()  # ours: the arms are those of the study
    config.claims = CLAIMS

    if argument == "small_cnn_digits":
        config.data.name = "digits"  # ours: the data set that needs no download
        config.data.validation_size = 200  # ours: leaves 1,200 to train on and 397 to test on
        config.data.augment = "none"  # ours
        config.model.name = "small_cnn"  # ours: ResNet-32 in the paper
        config.optimizer.boundaries = ("24ep", "36ep")  # ours: 100 and 150 of 250 epochs there
        config.train.length = "60ep"  # ours: 250 epochs in the paper
        config.seeds = (0, 1, 2, 3, 4)  # ours
    return config
