"""A small experiment that finishes in about a minute on two cores: LeNet on scikit-learn's digits.

It shows the typical result: winning tickets stay close to the dense network at sparsities where
re-initialized weights under the same mask, or a permuted mask, lose accuracy.
"""

from ml_collections import ConfigDict

SECTIONS = ("data", "model", "optimizer", "train", "prune", "rewind")


# The paper's claims, as comparisons of this experiment.
PAPER_NAME = "Frankle & Carbin 2019 (1803.03635)"
CLAIMS = (
    {"says": "Tickets beat their reinitialized controls at the sparse end.",
     "source": f"{PAPER_NAME}, figure 3", "compare": "winning > reinit", "remaining": (0.0, 0.1)},
)  # fmt: skip


def get_config() -> ConfigDict:
    """Returns the experiment; every field says which paper it follows, or that it is ours."""
    config = ConfigDict({section: {} for section in SECTIONS})
    config.name = "quickstart"  # ours
    config.task = "vision"  # ours

    config.data.name = "digits"  # ours: the data set that needs no download
    config.data.validation_size = 200  # ours: leaves 1,200 to train on and 397 to test on
    config.data.scaling = "unit"  # ours: as F&C 2019 on MNIST
    config.model.name = "lenet"  # ours: as F&C 2019 on MNIST
    config.model.hidden = (300, 100)  # ours: as F&C 2019 on MNIST

    config.optimizer.name = "adam"  # ours: as F&C 2019 on MNIST
    config.optimizer.learning_rate = 1.2e-3  # ours: as F&C 2019 on MNIST

    config.train.length = "1000it"  # ours: 50 epochs
    config.train.batch_size = 60  # ours: as F&C 2019 on MNIST
    config.train.eval_every = 100  # ours: as F&C 2019
    config.train.value = "final"  # ours: 200 validation images are too few to stop by

    config.prune.rounds = 8  # ours: down to 2.8 % remaining
    config.prune.rate = 0.36  # ours: merges two of the usual rounds of 20 %
    config.prune.scope = "global"  # ours
    config.rewind.to = "0it"  # ours: as F&C 2019

    config.seeds = (0, 1, 2, 3, 4)  # ours: as F&C 2019
    config.arms = ("winning", "reinit", "permuted_layer", "permuted_global")  # ours
    config.claims = CLAIMS
    return config
