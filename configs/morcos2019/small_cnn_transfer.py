"""Tickets of a small CNN transferred from one half of CIFAR-10 to the other, for two CPU cores.

The protocol is that of Morcos et al. 2019 (arXiv 1906.02773): CIFAR-10a and CIFAR-10b share no
image. Smaller sources are ours: parts of CIFAR-10a, trained for the same number of steps (in the
paper, larger sources are other data sets).
"""

from ml_collections import ConfigDict

from keras_lottery.config import presets

ARGUMENT = "SOURCE,TARGET"

# The paper's claims, as comparisons of this experiment.
PAPER_NAME = "Morcos et al. 2019 (1906.02773)"
CLAIMS = (
    {"says": "Tickets of one half of CIFAR-10 beat random ones on the other half.",
     "source": f"{PAPER_NAME}, section 4.1", "compare": "winning from a25000 > permuted_global",
     "target": "b", "remaining": (0.0, 0.1)},
    {"says": "Tickets of one half of CIFAR-10 are as good on the other as its own.",
     "source": f"{PAPER_NAME}, section 4.1",
     "compare": "winning from a25000 == winning within 0.02", "target": "b",
     "remaining": (0.0, 0.1)},
    {"says": "More images of one source give better tickets.",
     "source": "ours", "compare": "winning from a25000 > winning from a2500",
     "target": "b", "remaining": (0.0, 0.1)},
    {"says": "Masks permuted within layers are much better than globally permuted ones.",
     "source": f"{PAPER_NAME}, appendix A.2",
     "compare": "permuted_layer > permuted_global by 0.02", "target": "b",
     "remaining": (0.0, 0.1)},
)  # fmt: skip


def get_config(argument: str = "") -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    paper = presets.module("morcos2019/vgg19_transfer")
    config = paper.protocol()
    config.name = "small_cnn_transfer"  # ours

    config.data.name = "cifar10a"  # Morcos 2019: half of the training images
    config.model.name = "small_cnn"  # ours: VGG-19 and ResNet-50 in the paper

    config.optimizer.boundaries = ("1000it", "1500it")  # ours: at half and three quarters

    config.train.length = "2000it"  # ours
    config.train.batch_size = 64  # ours: 512 in the paper
    config.train.eval_every = 500  # ours

    config.prune.rounds = 6  # ours: down to 4.7 %
    config.prune.rate = 0.4  # ours: 0.2 in the paper
    config.rewind.to = "200it"  # ours: late resetting as in Morcos 2019, 1 epoch there

    config.options.variants.a2500 = {"data": {"train_size": 2500}}  # ours
    config.options.variants.a10000 = {"data": {"train_size": 10000}}  # ours
    config.options.variants.a25000 = {"data": {}}  # Morcos 2019: one half
    config.options.variants.b = {"data": {"name": "cifar10b"}}  # Morcos 2019
    config.options.sources = ("a2500", "a10000", "a25000")  # Morcos 2019: a half; ours: parts of it
    config.options.targets = ("b",)  # Morcos 2019

    config.seeds = (0, 1, 2)  # ours: six in Morcos 2019
    config.arms = ("winning", "permuted_global", "permuted_layer")  # Morcos 2019 and appendix A.2
    config.claims = CLAIMS
    return paper.one_pair(config, argument)
