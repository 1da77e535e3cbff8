"""Instability to the order of the data: LeNet-300-100 on MNIST.

Frankle, Dziugaite, Roy & Carbin 2020, "Linear mode connectivity and the lottery ticket hypothesis"
(arXiv 1912.05671): this network is stable from initialization on, dense and pruned. Network and
training are those of `frankle2019/lenet_mnist`.
"""

from ml_collections import ConfigDict

SECTIONS = ("data", "model", "optimizer", "train", "prune", "rewind", "options")


def get_config() -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    config = ConfigDict({section: {} for section in SECTIONS})
    config.name = "instability_lenet_mnist"  # ours
    config.task = "vision"  # Frankle 2020: image classification
    config.study = "instability"  # Frankle 2020

    config.data.name = "mnist"  # Frankle 2020
    config.data.dir = ""  # ours: the folder that holds the prepared data set
    config.data.download = False  # ours: nothing is fetched unless asked for
    config.data.validation_size = 5000  # ours: as frankle2019/lenet_mnist
    config.data.scaling = "unit"  # ours: as frankle2019/lenet_mnist
    config.data.augment = "none"  # ours: as frankle2019/lenet_mnist

    config.model.name = "lenet"  # Frankle 2020
    config.model.hidden = (300, 100)  # Frankle 2020

    config.optimizer.name = "adam"  # ours: as F&C 2019
    config.optimizer.learning_rate = 1.2e-3  # ours: as F&C 2019

    config.train.length = "50000it"  # ours: as F&C 2019
    config.train.batch_size = 60  # ours: as F&C 2019
    config.train.eval_every = 0  # ours: once an epoch
    config.train.value = "final"  # ours

    config.prune.rounds = 15  # ours: 3.5 % remaining
    config.prune.rate = 0.2  # ours: as F&C 2019
    config.prune.scope = "global"  # Frankle 2020
    config.prune.criterion = "magnitude"  # Frankle 2020

    config.rewind.to = "0it"  # ours: the points of the options stand in its place

    config.options.points = ("0it", "100it", "1000it")  # ours: the paper finds it stable at 0
    config.options.subjects = ("dense", "winning")  # Frankle 2020
    config.options.orders = 3  # Frankle 2020: three data orders
    config.options.alphas = 30  # Frankle 2020

    config.seeds = (0, 1, 2)  # Frankle 2020: three initializations
    return config
