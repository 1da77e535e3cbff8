"""LeNet-300-100 on MNIST (Frankle & Carbin 2019, arXiv 1803.03635).

The paper reports the best accuracy at 13.5 % of the weights remaining, and the dense network's
accuracy at 3.6 %; random reinitialization falls below it from 21.1 % remaining downwards.
"""

from ml_collections import ConfigDict

# The paper's counts for this network: all weights, and those in convolutions.
PAPER = {"": {"weights": "266K", "convolutions": "-"}}

SECTIONS = ("data", "model", "optimizer", "train", "prune", "rewind")

# The paper's claims, as comparisons of this experiment.
PAPER_NAME = "Frankle & Carbin 2019 (1803.03635)"
CLAIMS = (
    {"says": "Tickets beat their reinitialized controls from about a fifth of the weights on.",
     "source": f"{PAPER_NAME}, figure 3", "compare": "winning > reinit",
     "remaining": (0.02, 0.215)},
    {"says": "At 13.5 % of the weights remaining a ticket beats the dense network.",
     "source": f"{PAPER_NAME}, section 2", "compare": "winning > dense by 0.001",
     "remaining": (0.12, 0.15)},
    {"says": "At 3.6 % remaining a ticket is back at the dense network's accuracy.",
     "source": f"{PAPER_NAME}, section 2", "compare": "winning >= dense within 0.002",
     "remaining": (0.03, 0.04)},
    {"says": "At 21 % remaining a ticket learns faster than the dense network.",
     "source": f"{PAPER_NAME}, section 2", "compare": "winning > dense", "field": "best_step",
     "remaining": (0.2, 0.22)},
    {"says": "One-shot tickets beat the dense network down to 5.17 % remaining.",
     "source": f"{PAPER_NAME}, section 2", "compare": "one_shot > dense",
     "remaining": (0.0517, 0.95)},
    {"says": "Iterative pruning beats one-shot pruning at the sparse end.",
     "source": f"{PAPER_NAME}, section 2", "compare": "winning > one_shot",
     "remaining": (0.0, 0.0517)},
)  # fmt: skip


def get_config() -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    config = ConfigDict({section: {} for section in SECTIONS})
    config.prune.rates = {}
    config.name = "lenet_mnist"  # ours
    config.task = "vision"  # F&C 2019: image classification

    config.data.name = "mnist"  # F&C 2019, figure 2
    config.data.validation_size = 5000  # Zhou et al. 2019: 55,000 to train on, 45,000 of CIFAR-10
    config.data.scaling = "unit"  # Zhou et al. 2019: pixels only divided by 255
    config.data.augment = "none"  # Zhou et al. 2019
    config.model.name = "lenet"  # F&C 2019, figure 2
    config.model.hidden = (300, 100)  # F&C 2019, figure 2

    config.optimizer.name = "adam"  # F&C 2019, figure 2
    config.optimizer.learning_rate = 1.2e-3  # F&C 2019, figure 2

    config.train.length = "50000it"  # F&C 2019, figure 2
    config.train.batch_size = 60  # F&C 2019, figure 2
    config.train.eval_every = 100  # F&C 2019
    config.train.value = "best"  # F&C 2019: test accuracy at the minimum of the validation loss

    config.prune.rounds = 24  # ours: the rounds of Zhou et al. 2019
    config.prune.scope = "layer"  # F&C 2019: layer-wise for Lenet and Conv
    config.prune.rate = 0.2  # F&C 2019, figure 2
    config.prune.rates.output = 0.1  # F&C 2019: connections to the outputs at half the rate
    config.prune.criterion = "magnitude"  # F&C 2019
    config.rewind.to = "0it"  # F&C 2019: back to the initial weights

    config.seeds = (0, 1, 2, 3, 4)  # F&C 2019: five trials
    config.arms = ("winning", "reinit", "one_shot", "permuted_layer")  # F&C 2019; the last: ours
    config.draws = 3  # F&C 2019: three random reinitializations of each ticket
    config.claims = CLAIMS
    return config
