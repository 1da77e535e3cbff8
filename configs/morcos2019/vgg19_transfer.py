"""VGG-19 tickets between all pairs of six data sets (Morcos et al. 2019, arXiv 1906.02773).

One pair: `--config=morcos2019/vgg19_transfer:svhn,cifar10`, the source first. It can also
use the two halves of CIFAR-10, and CIFAR-10 with Adam. ImageNet and Places365 are held in memory as
bytes, which takes about 190 and 270 GB.

The other files of this folder use this protocol.
"""

from ml_collections import ConfigDict

from keras_lottery.errors import LotteryError, unknown_name

ARGUMENT = "SOURCE,TARGET"

SECTIONS = ("data", "model", "optimizer", "train", "prune", "rewind", "options")
SETS = ("fashion_mnist", "svhn", "cifar10", "cifar100", "imagenet", "places365")
ADAM = {"optimizer": {"name": "adam", "learning_rate": 3e-4}}
FASHION_MNIST = {"data": {"name": "fashion_mnist", "resize": 32}}
# Morcos 2019: late resetting after 3 epochs on the large data sets.
LARGE = {"rewind": {"to": "3ep"}}
IMAGENET = LARGE | {"data": {"name": "imagenet2012", "resize": 224}}
PLACES365 = LARGE | {"data": {"name": "places365_small", "resize": 224}}


def protocol() -> ConfigDict:
    """Returns the fields that all experiments of this folder share."""
    config = ConfigDict({section: {} for section in SECTIONS})
    config.options.variants = {}
    config.task = "vision"  # Morcos 2019
    config.study = "transfer"  # Morcos 2019: transfer of winning tickets

    config.data.scaling = "standard"  # ours

    config.optimizer.name = "sgd"  # Morcos 2019
    config.optimizer.learning_rate = 0.1  # Morcos 2019
    config.optimizer.momentum = 0.9  # Morcos 2019
    config.optimizer.l2 = 1e-4  # Morcos 2019: PyTorch's weight decay
    config.optimizer.schedule = "piecewise"  # Morcos 2019
    config.optimizer.factor = 0.1  # Morcos 2019

    config.train.value = "final"  # Morcos 2019: at convergence

    config.prune.scope = "global"  # Morcos 2019
    config.prune.rate = 0.2  # Morcos 2019
    config.prune.criterion = "magnitude"  # Morcos 2019
    config.prune.output = False  # Morcos 2019: not the output layer

    config.options.arms = ("winning",)  # Morcos 2019

    config.draws = 1  # Morcos 2019
    return config


def full_size() -> ConfigDict:
    """Returns the fields shared by the paper's two networks."""
    config = protocol()
    config.data.name = "cifar10"  # Morcos 2019
    config.data.validation_size = 0  # ours: Morcos 2019 report at convergence
    config.data.channels = 3  # ours: grayscale repeated, as in its replication
    config.data.augment = "flip_crop"  # ours: as in its replication

    config.train.batch_size = 512  # Morcos 2019
    config.train.eval_every = 0  # ours: once an epoch

    config.prune.rounds = 30  # Morcos 2019
    config.rewind.to = "1ep"  # Morcos 2019: late resetting

    config.options.variants.fashion_mnist = FASHION_MNIST  # Morcos 2019; ours: 32 pixels
    config.options.variants.svhn = {"data": {"name": "svhn_cropped"}}  # Morcos 2019
    config.options.variants.cifar10 = {"data": {}}  # Morcos 2019
    config.options.variants.cifar100 = {"data": {"name": "cifar100"}}  # Morcos 2019
    config.options.variants.imagenet = IMAGENET  # Morcos 2019; ours: 224 pixels
    config.options.variants.places365 = PLACES365  # Morcos 2019; ours: 224 pixels
    config.options.variants.cifar10a = {"data": {"name": "cifar10a"}}  # Morcos 2019
    config.options.variants.cifar10b = {"data": {"name": "cifar10b"}}  # Morcos 2019
    config.options.sources = SETS  # Morcos 2019
    config.options.targets = SETS  # Morcos 2019

    config.seeds = (0, 1, 2, 3, 4, 5)  # Morcos 2019
    config.arms = ("winning", "permuted_global")  # Morcos 2019
    return config


def one_pair(config: ConfigDict, argument: str) -> ConfigDict:
    """Returns the experiment with only `SOURCE,TARGET`; unchanged without an argument."""
    if argument:
        pair = argument.split(",")
        for name in pair:
            if name not in config.options.variants:
                raise unknown_name("source or target", name, config.options.variants)
        if len(pair) != 2:
            raise LotteryError(
                f"Expected a source and a target. Received: {argument!r}. Give two names, with a "
                "comma between them."
            )
        config.options.sources, config.options.targets = (pair[0],), (pair[1],)
    return config


def get_config(argument: str = "") -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    config = full_size()
    config.name = "vgg19_transfer"  # ours
    config.model.name = "vgg19"  # Morcos 2019
    config.optimizer.boundaries = ("80ep", "120ep")  # Morcos 2019
    config.train.length = "160ep"  # Morcos 2019
    config.options.variants.cifar10_adam = ADAM  # Morcos 2019
    return one_pair(config, argument)
