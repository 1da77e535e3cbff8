"""Instability to the order of the data: ResNet-20 on CIFAR-10.

Frankle, Dziugaite, Roy & Carbin 2020, "Linear mode connectivity and the lottery ticket hypothesis"
(arXiv 1912.05671): the dense network is stable from step 2,000 on, the subnetworks of iterative
magnitude pruning from step 500 on.
"""

from ml_collections import ConfigDict

SECTIONS = ("data", "model", "optimizer", "train", "prune", "rewind", "options")


def get_config() -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    config = ConfigDict({section: {} for section in SECTIONS})
    config.name = "instability_resnet20_cifar10"  # ours
    config.task = "vision"  # Frankle 2020: image classification
    config.study = "instability"  # Frankle 2020

    config.data.name = "cifar10"  # Frankle 2020
    config.data.dir = ""  # ours: the folder that holds the prepared data set
    config.data.download = False  # ours: nothing is fetched unless asked for
    config.data.validation_size = 5000  # ours: as frankle2019/resnet20_cifar10
    config.data.scaling = "standard"  # ours: as frankle2019/resnet20_cifar10
    config.data.augment = "flip_crop"  # Frankle 2020: the order of augmentation differs too

    config.model.name = "resnet20"  # Frankle 2020

    config.optimizer.name = "sgd"  # Frankle 2020
    config.optimizer.learning_rate = 0.1  # Frankle 2020
    config.optimizer.momentum = 0.9  # ours: as F&C 2019
    config.optimizer.schedule = "piecewise"  # Frankle 2020
    config.optimizer.boundaries = ("80ep", "120ep")  # Frankle 2020
    config.optimizer.factor = 0.1  # Frankle 2020
    config.optimizer.l2 = 1e-4  # Frankle 2020: PyTorch's weight decay

    config.train.length = "160ep"  # Frankle 2020
    config.train.batch_size = 128  # Frankle 2020
    config.train.eval_every = 0  # ours: once an epoch
    config.train.value = "final"  # ours

    config.prune.rounds = 8  # ours: 16.8 % remaining
    config.prune.rate = 0.2  # Frankle 2020
    config.prune.scope = "global"  # Frankle 2020
    config.prune.criterion = "magnitude"  # Frankle 2020

    config.rewind.to = "0it"  # ours: the points of the options stand in its place

    config.options.points = ("0it", "100it", "500it", "1000it", "2000it")  # ours: up to its 2,000
    config.options.subjects = ("dense", "winning")  # Frankle 2020
    config.options.orders = 3  # Frankle 2020: three data orders
    config.options.alphas = 30  # Frankle 2020

    config.seeds = (0, 1, 2)  # Frankle 2020: three initializations
    return config
