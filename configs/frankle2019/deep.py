"""ResNet-20 and VGG-19 on CIFAR-10 (Frankle & Carbin 2019, arXiv 1803.03635).

At a learning rate of 0.1 neither network has tickets at initialization. The variants solve this in
different ways:

resnet20: rewound to step 500, from which Frankle et al. (arXiv 1912.05671) find the sparse network
    stable. Frankle & Carbin call the network Resnet-18.
resnet20_lowlr: a learning rate of 0.01. The paper reports 89.5 % at 41.7 to 21.9 % of the
    weights remaining; the dense network at a learning rate of 0.1 has 90.5 %.
resnet20_warmup: a learning rate of 0.03, warmed up over 20,000 steps. The paper reports 90.5 %
    at 27.1 % of the weights remaining, and tickets from 11.8 % on.
vgg19: warmed up over 10,000 steps, with tickets down to 1.5 % of the weights. For late rewinding
    instead: --config.optimizer.warmup=0it --config.rewind.to=1000it (Frankle et al., arXiv
    1912.05671, for VGG-16).
"""

from ml_collections import ConfigDict

DEFAULT = "resnet20"
VARIANTS = {
    "resnet20": "ResNet-20 on CIFAR-10, rewound to step 500",
    "resnet20_lowlr": "ResNet-20 on CIFAR-10 at a low learning rate",
    "resnet20_warmup": "ResNet-20 on CIFAR-10 with a warm-up",
    "vgg19": "VGG-19 on CIFAR-10 with a warm-up",
}

# The paper's counts for each network: all weights, and those in convolutions.
RESNET20 = {
    "weights": "274K",
    "convolutions": "270K",
    "note": "274,042 with batch norm's moving statistics, which are not trained",
}
PAPER = {
    "resnet20": RESNET20,
    "resnet20_lowlr": RESNET20,
    "resnet20_warmup": RESNET20,
    "vgg19": {"weights": "20.0M", "convolutions": "20.0M"},
}

SHORTCUTS = ("layers/conv2d_9/kernel", "layers/conv2d_16/kernel")

SECTIONS = ("data", "model", "optimizer", "train", "prune", "rewind")


def get_config(argument: str = DEFAULT) -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    config = ConfigDict({section: {} for section in SECTIONS})
    network, _, change = argument.partition("_")
    config.name = "_".join(filter(None, (network, "cifar10", change)))  # ours
    config.task = "vision"  # F&C 2019: image classification

    config.data.name = "cifar10"  # F&C 2019, figure 2
    config.data.validation_size = 5000  # F&C 2019, appendix I: 45,000 to train on
    config.data.scaling = "standard"  # F&C 2019: normalized per channel
    config.data.augment = "flip_crop"  # F&C 2019: mirrored at random, shifted by up to four pixels
    config.model.name = network  # F&C 2019, figure 2

    config.optimizer.name = "sgd"  # F&C 2019, figure 2
    config.optimizer.learning_rate = 0.1  # F&C 2019, figure 2
    config.optimizer.momentum = 0.9  # F&C 2019, figure 2
    config.optimizer.schedule = "piecewise"  # F&C 2019, figure 2
    config.optimizer.boundaries = ("20000it", "25000it")  # F&C 2019, figure 2
    config.optimizer.factor = 0.1  # F&C 2019, figure 2
    config.optimizer.l2 = 1e-4  # F&C 2019, appendix I

    config.train.length = "30000it"  # F&C 2019, figure 2
    config.train.batch_size = 128  # F&C 2019, figure 2
    config.train.eval_every = 500  # ours
    config.train.value = "final"  # F&C 2019: accuracy at the end of training

    config.prune.rounds = 20  # ours: down to 1.2 % remaining
    config.prune.scope = "global"  # F&C 2019: global for the deeper networks
    config.prune.rate = 0.2  # F&C 2019, figure 2
    config.prune.output = False  # F&C 2019, figure 2: fc 0 %
    config.prune.criterion = "magnitude"  # F&C 2019
    config.rewind.to = "0it"  # F&C 2019: back to the initial weights

    config.seeds = (0, 1, 2)  # ours
    config.arms = ("winning", "reinit")  # F&C 2019

    if network == "resnet20":
        config.prune.exclude = SHORTCUTS  # F&C 2019, appendix I
    if argument == "resnet20":
        config.rewind.to = "500it"  # Frankle et al. 2020 (arXiv 1912.05671): stable from there
    elif argument == "resnet20_lowlr":
        config.optimizer.learning_rate = 0.01  # F&C 2019: has tickets at step 0
    elif argument == "resnet20_warmup":
        config.optimizer.learning_rate = 0.03  # F&C 2019, section 4: with warm-up
        config.optimizer.warmup = "20000it"  # F&C 2019, section 4
    elif argument == "vgg19":
        config.optimizer.boundaries = ("80ep", "120ep")  # F&C 2019, figure 2
        config.optimizer.warmup = "10000it"  # F&C 2019: linear, over 10,000 steps
        config.train.length = "112000it"  # F&C 2019, figure 2
        config.train.batch_size = 64  # F&C 2019, figure 2
    return config
