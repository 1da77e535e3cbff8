"""Supermasks over weights that are never trained (Zhou et al. 2019, arXiv 1905.01067).

lenet, conv2, conv6: heuristic supermasks. The dense network is trained once per seed. Each
    criterion derives one mask per level from it, and each mask is evaluated with the untrained
    weights and with their signed constants.
learned: supermasks learned on LeNet and MNIST, in four arms: untrained weights or signed
    constants, each with and without dynamic weight rescaling. `dense` trains the weights.

Networks, data and training are as in `zhou2019/deconstructing`.
"""

from ml_collections import ConfigDict

from keras_lottery.config import presets

DEFAULT = "lenet"
VARIANTS = {
    "lenet": "Heuristic supermasks of LeNet on MNIST",
    "conv2": "Heuristic supermasks of Conv-2 on CIFAR-10",
    "conv6": "Heuristic supermasks of Conv-6 on CIFAR-10",
    "learned": "Supermasks learned on LeNet and MNIST",
}
ARMS = ("supermask", "supermask_signed", "supermask_rescaled", "supermask_rescaled_signed")
PAPER_NAME = "Zhou et al. 2019 (1905.01067)"

# The paper's claims, as comparisons of this experiment.
CLAIMS = {
    "lenet": (
        {"says": "An untrained network under a heuristic mask reaches 86 % on MNIST.",
         "source": f"{PAPER_NAME}, abstract", "compare": "best >= 0.86 within 0.01"},
    ),
    "conv2": (
        {"says": "An untrained network under a heuristic mask reaches 41 % on CIFAR-10.",
         "source": f"{PAPER_NAME}, abstract", "compare": "best >= 0.41 within 0.01",
         "not_comparable": "the paper's network is Conv-6"},
    ),
    "conv6": (
        {"says": "An untrained network under a heuristic mask reaches 41 % on CIFAR-10.",
         "source": f"{PAPER_NAME}, abstract", "compare": "best >= 0.41 within 0.01"},
    ),
    "learned": (
        {"says": "Learned supermasks reach 95.3 % on MNIST.",
         "source": f"{PAPER_NAME}, table 2", "compare": "supermask >= 0.953 within 0.005"},
        {"says": "Rescaling and signed constants make learned supermasks better.",
         "source": f"{PAPER_NAME}, table 2",
         "compare": "supermask_rescaled_signed > supermask by 0.005"},
    ),
}  # fmt: skip


def get_config(argument: str = DEFAULT) -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    network = "lenet" if argument == "learned" else argument
    config = presets.load(f"zhou2019/deconstructing:{network}")
    del config.train.evaluate_start, config.keep_trained
    config.claims = CLAIMS[argument]
    if argument == "learned":
        learned(config)
    else:
        heuristic(config)
    return config


def heuristic(config: ConfigDict) -> None:
    """Sets the fields of heuristic supermasks."""
    config.name = config.name.replace("deconstructing", "supermasks")  # ours
    config.study = "supermasks"  # Zhou et al. 2019, section 5
    config.train.value = "best"  # ours: for the dense network; masks come from the final weights
    del config.prune.rounds  # the levels below, one cut each
    config.options = {}
    config.options.levels = 25  # Zhou et al. 2019, code: levels 0 to 24
    config.options.validation_examples = 0  # ours: all held-out images choose the level
    config.arms = ()  # ours: nothing but the dense network is trained


def learned(config: ConfigDict) -> None:
    """Sets the fields of learned supermasks; `train` applies to the dense network."""
    config.name = "supermask_mnist"  # ours
    config.train.value = "final"  # ours: at the end, for all arms
    config.supermask = {"optimizer": {}}
    config.supermask.optimizer.name = "sgd"  # Zhou et al. 2019, code
    config.supermask.optimizer.learning_rate = 100.0  # Zhou et al. 2019, code
    config.supermask.optimizer.momentum = 0.9  # Zhou et al. 2019, code
    config.supermask.length = "2000ep"  # Zhou et al. 2019, code
    config.supermask.batch_size = 250  # Zhou et al. 2019, code
    config.supermask.samples = 10  # Zhou et al. 2019: the mean of ten passes over the test set
    config.prune.rounds = 1  # ours: the number of weights a mask keeps is learned
    config.prune.rate = 0.2  # ours: nothing is pruned here
    del config.prune.rates
    config.rewind.to = "0it"  # ours, unused: this study doesn't rewind
    config.arms = ARMS  # Zhou et al. 2019, table 2
    config.keep_trained = ("dense", "supermask_rescaled_signed")  # ours
