"""ResNet-20 on CIFAR-10 at a low learning rate (Frankle & Carbin 2019, arXiv 1803.03635).

The paper's figures: 89.5 % at 41.7 to 21.9 % of the weights remaining, where the dense network at
a learning rate of 0.1 has 90.5 %.
"""

from ml_collections import ConfigDict

# What the paper prints for this network: weights in all, and in convolutions.
PAPER = {
    "weights": "274K",
    "convolutions": "270K",
    "note": "274,042 with batch norm's moving statistics, which are not trained",
}

SECTIONS = ("data", "model", "optimizer", "train", "prune", "rewind")


def get_config() -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    config = ConfigDict({section: {} for section in SECTIONS})
    config.name = "resnet20_cifar10_lowlr"  # ours
    config.task = "vision"  # F&C 2019: image classification

    config.data.name = "cifar10"  # F&C 2019, figure 2
    config.data.dir = ""  # ours: the folder that holds the prepared data set
    config.data.download = False  # ours: nothing is fetched unless asked for
    config.data.validation_size = 5000  # ours: 45,000 to train on, as for Conv
    config.data.scaling = "standard"  # F&C 2019: normalized per channel
    config.data.augment = "flip_crop"  # F&C 2019: mirrored at random, shifted by up to four pixels

    config.model.name = "resnet20"  # F&C 2019, figure 2
    config.model.batch_norm_synchronized = False  # ours: one device

    config.optimizer.name = "sgd"  # F&C 2019, figure 2
    config.optimizer.learning_rate = 0.01  # F&C 2019: holds tickets at step 0
    config.optimizer.momentum = 0.9  # F&C 2019, figure 2
    config.optimizer.schedule = "piecewise"  # F&C 2019, figure 2
    config.optimizer.boundaries = ("20000it", "25000it")  # F&C 2019, figure 2
    config.optimizer.factor = 0.1  # F&C 2019, figure 2
    config.optimizer.l2 = 1e-4  # ours: as the later papers of the same authors

    config.train.length = "30000it"  # F&C 2019, figure 2
    config.train.batch_size = 128  # F&C 2019, figure 2
    config.train.eval_every = 500  # ours
    config.train.value = "final"  # F&C 2019: accuracy at the end of training

    config.prune.rounds = 20  # ours: down to 1.2 % remaining
    config.prune.scope = "global"  # F&C 2019: global for the deeper networks
    config.prune.rate = 0.2  # F&C 2019, figure 2
    config.prune.output = False  # F&C 2019, figure 2: fc 0 %
    config.prune.criterion = "magnitude"  # F&C 2019
    config.prune.biases = False  # ours

    config.rewind.to = "0it"  # F&C 2019: back to the initial weights

    config.seeds = (0, 1, 2)  # ours
    config.arms = ("winning", "reinit")  # F&C 2019
    config.draws = 1  # ours
    return config
