"""LeNet-300-100 tickets transferred to other images and another optimizer, for two CPU cores.

The protocol is that of Morcos et al. 2019 (arXiv 1906.02773); network, data and sizes are ours.
The experiments: classes 0-4 and 5-9 of MNIST, all of MNIST, scikit-learn's digits at MNIST's size,
SGD with momentum, and fewer images of MNIST. Choose one pair with
`--config=morcos2019/lenet_transfer:mnist,digits`, more with `--config.options.sources=...` and
`--config.options.targets=...`.
"""

from ml_collections import ConfigDict

from keras_lottery.config import presets

ARGUMENT = "SOURCE,TARGET"
DIGITS = {"data": {"name": "digits", "resize": 28, "validation_size": 200}}
SGD = {"optimizer": {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9}}

# The paper's claims, as comparisons of this experiment.
PAPER_NAME = "Morcos et al. 2019 (1906.02773)"
CLAIMS = (
    {"says": "Tickets of one half of the data beat random ones on the other half.",
     "source": f"{PAPER_NAME}, section 4.1", "compare": "winning from high > permuted_global",
     "target": "low", "remaining": (0.0, 0.1)},
    {"says": "Tickets of one half of the data are as good on the other as its own.",
     "source": f"{PAPER_NAME}, section 4.1",
     "compare": "winning from high == winning within 0.005", "target": "low",
     "remaining": (0.0, 0.1)},
    {"says": "Tickets of one half of the data beat random ones on the other half.",
     "source": f"{PAPER_NAME}, section 4.1", "compare": "winning from low > permuted_global",
     "target": "high", "remaining": (0.0, 0.1)},
    {"says": "Tickets found with SGD beat random ones when Adam trains them.",
     "source": f"{PAPER_NAME}, section 4.3", "compare": "winning from sgd > permuted_global",
     "target": "mnist", "remaining": (0.0, 0.1)},
    {"says": "Tickets found with Adam beat random ones when SGD trains them.",
     "source": f"{PAPER_NAME}, section 4.3", "compare": "winning from mnist > permuted_global",
     "target": "sgd", "remaining": (0.0, 0.1)},
    {"says": "More images of one source give better tickets.",
     "source": "ours", "compare": "winning from mnist > winning from mnist_5000",
     "target": "digits", "remaining": (0.0, 0.1)},
)  # fmt: skip


def get_config(argument: str = "") -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    paper = presets.module("morcos2019/vgg19_transfer")
    config = paper.protocol()
    config.name = "lenet_transfer"  # ours

    config.data.name = "mnist"  # ours
    config.data.validation_size = 5000  # ours: as Zhou et al. 2019
    config.data.scaling = "unit"  # ours: as Zhou et al. 2019
    config.model.name = "lenet"  # ours
    config.model.hidden = (300, 100)  # ours: as F&C 2019

    config.optimizer = {}
    config.optimizer.name = "adam"  # ours: as F&C 2019
    config.optimizer.learning_rate = 1.2e-3  # ours: as F&C 2019

    config.train.length = "3000it"  # ours: the same number of steps for every source
    config.train.batch_size = 60  # ours: as F&C 2019
    config.train.eval_every = 500  # ours

    config.prune.rounds = 7  # ours: down to 2.8 % of the hidden weights
    config.prune.rate = 0.4  # ours: 0.2 in the paper
    config.rewind.to = "300it"  # ours: late resetting as in Morcos 2019, 1 epoch there

    config.options.variants.low = {"data": {"classes": (0, 1, 2, 3, 4)}}  # ours
    config.options.variants.high = {"data": {"classes": (5, 6, 7, 8, 9)}}  # ours
    config.options.variants.mnist = {"data": {}}  # ours
    config.options.variants.digits = DIGITS  # ours
    config.options.variants.sgd = SGD  # ours: Morcos 2019 transfer between optimizers too
    config.options.variants.mnist_5000 = {"data": {"train_size": 5000}}  # ours
    config.options.variants.mnist_20000 = {"data": {"train_size": 20000}}  # ours
    config.options.sources = ("low", "high")  # ours
    config.options.targets = ("low", "high")  # ours

    config.seeds = (0, 1, 2)  # ours: six in Morcos 2019
    config.arms = ("winning", "permuted_global", "permuted_layer", "reinit")  # Morcos 2019
    config.claims = CLAIMS
    return paper.one_pair(config, argument)
