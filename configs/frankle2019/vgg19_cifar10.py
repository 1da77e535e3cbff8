"""VGG-19 on CIFAR-10 with warm-up (Frankle & Carbin 2019, arXiv 1803.03635).

The paper: no tickets at a learning rate of 0.1, and with a warm-up over 10,000 steps tickets down
to 1.5 % of the weights. For late rewinding instead: --config.optimizer.warmup=0it
--config.rewind.to=1000it (Frankle et al., arXiv 1912.05671, for VGG-16).
"""

from ml_collections import ConfigDict

# What the paper prints for this network: weights in all, and in convolutions.
PAPER = {"weights": "20.0M", "convolutions": "20.0M"}

SECTIONS = ("data", "model", "optimizer", "train", "prune", "rewind")


def get_config() -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    config = ConfigDict({section: {} for section in SECTIONS})
    config.name = "vgg19_cifar10"  # ours
    config.task = "vision"  # F&C 2019: image classification

    config.data.name = "cifar10"  # F&C 2019, figure 2
    config.data.dir = ""  # ours: the folder that holds the prepared data set
    config.data.download = False  # ours: nothing is fetched unless asked for
    config.data.validation_size = 5000  # ours: 45,000 to train on, as for Conv
    config.data.scaling = "standard"  # F&C 2019: normalized per channel
    config.data.augment = "flip_crop"  # F&C 2019: mirrored at random, shifted by up to four pixels

    config.model.name = "vgg19"  # F&C 2019, figure 2
    config.model.batch_norm_synchronized = False  # ours: one device

    config.optimizer.name = "sgd"  # F&C 2019, figure 2
    config.optimizer.learning_rate = 0.1  # F&C 2019, figure 2
    config.optimizer.momentum = 0.9  # F&C 2019, figure 2
    config.optimizer.schedule = "piecewise"  # F&C 2019, figure 2
    config.optimizer.boundaries = ("80ep", "120ep")  # F&C 2019, figure 2
    config.optimizer.factor = 0.1  # F&C 2019, figure 2
    config.optimizer.l2 = 1e-4  # ours: as the later papers of the same authors
    config.optimizer.warmup = "10000it"  # F&C 2019: linear, over 10,000 steps

    config.train.length = "112000it"  # F&C 2019, figure 2
    config.train.batch_size = 64  # F&C 2019, figure 2
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
