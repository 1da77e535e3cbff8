"""A trained 64-16-10 network found inside random ones by pruning alone, on scikit-learn's digits.

Natale et al. 2024 ("On the Sparsity of the Strong Lottery Ticket Hypothesis") prove that a random
network with twice the layers contains it, and how many weights that takes. The paper has no
experiments; this one is ours.
"""

from ml_collections import ConfigDict

SECTIONS = ("data", "model", "optimizer", "train", "rewind", "options")


# The paper's claims, as comparisons of this experiment: "n at density D" is the smallest sufficient
# number of candidates, 40 the largest that is tried.
PAPER_NAME = "Natale et al. 2024"
CLAIMS = (
    {"says": "A random network with enough weights contains a trained one at density 1/8.",
     "source": f"{PAPER_NAME}, theorem 3", "compare": "n at density 0.125 >= 40"},
    {"says": "A random network with enough weights contains a trained one at density 1/4.",
     "source": f"{PAPER_NAME}, theorem 3", "compare": "n at density 0.25 >= 40"},
    {"says": "A random network with enough weights contains a trained one at density 1/2.",
     "source": f"{PAPER_NAME}, theorem 3", "compare": "n at density 0.5 >= 40"},
    {"says": "Sparser tickets need more random weights.",
     "source": f"{PAPER_NAME}, theorem 3", "compare": "n at density 0.125 < n at density 0.5"},
)  # fmt: skip


def get_config() -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    config = ConfigDict({section: {} for section in SECTIONS})
    config.name = "strong_tickets_digits"  # ours
    config.task = "vision"  # ours
    config.study = "strong_tickets"  # Natale et al. 2024: Theorems 2, 3 and 5

    config.data.name = "digits"  # ours: the data set that needs no download
    config.data.validation_size = 200  # ours: leaves 1,200 to train on and 397 to test on
    config.data.scaling = "unit"  # ours: inputs from 0 to 1
    config.model.name = "lenet"  # Natale et al. 2024, Theorem 3: a dense network with relu
    config.model.hidden = (16,)  # ours: 64-16-10

    config.optimizer.name = "adamw"  # ours
    config.optimizer.learning_rate = 3e-3  # ours
    config.optimizer.weight_decay = 1.0  # ours: keeps every weight below 1, a bounded target

    config.train.length = "1500it"  # ours: 75 epochs
    config.train.batch_size = 60  # ours
    config.train.value = "final"  # ours

    config.rewind.to = "0it"  # ours, unused: this study doesn't rewind

    config.options.densities = (0.125, 0.25, 0.5)  # ours
    config.options.error = 0.05  # ours: below 1/16, as Theorem 5 asks
    config.options.agreement = 0.99  # ours
    config.options.most = 40  # ours
    config.options.sums = (16, 24, 32, 40)  # ours: multiples of 8, so that every k is whole
    config.options.sum_draws = 100  # ours
    config.options.gadget_draws = 50  # ours

    config.seeds = (0, 1, 2, 3, 4)  # ours
    config.arms = ()  # ours: the targets alone are trained
    config.claims = CLAIMS
    return config
