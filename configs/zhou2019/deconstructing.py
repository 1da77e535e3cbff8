"""Zhou et al. 2019 (arXiv 1905.01067): mask criteria, and values of kept and pruned weights.

Three families of arms next to the lottery ticket (`winning`: keep the weights of large final
magnitude, rewind them, set the others to zero): other mask criteria, other values of the kept
weights (mask-1 actions), other values of the pruned weights (mask-0 actions).
`evaluate_start` also evaluates every network before its first step.
"""

from ml_collections import ConfigDict

from keras_lottery.arms import FAMILIES

DEFAULT = "lenet"
VARIANTS = {
    "lenet": "LeNet-300-100 on MNIST: mask criteria, kept values, pruned values",
    **{f"conv{n}": f"Conv-{n} on CIFAR-10, with the arms of LeNet" for n in (2, 4, 6)},
}
# By network: learning rate, iterations, and the pruning rate of convolutions.
TABLE_OF_NETWORKS = {
    "conv2": (2e-4, "20000it", 0.1),
    "conv4": (3e-4, "25000it", 0.1),
    "conv6": (3e-4, "30000it", 0.15),
}

FAMILIES_OF_THE_PAPER = ("mask_criteria", "kept_values", "pruned_values")
SECTIONS = ("data", "model", "optimizer", "train", "prune", "rewind")
PAPER_NAME = "Zhou et al. 2019 (1905.01067)"


# The paper's claims about LeNet, as comparisons of this experiment: says, part, comparison.
SIGNS = (
    ("other initial values", "reinit"),
    ("reshuffled values", "reshuffle"),
    ("constants", "constant"),
)
GOOD_CRITERIA = ("magnitude_increase", "movement", "large_init_large_final")
BAD_CRITERIA = ("large_init", "small_final", "small_init", "random")
ROWS = (
    *((f"With the signs kept, {values} are as good as the initial values.", "mask-1 actions",
       f"signed_{arm} == winning within 0.005") for values, arm in SIGNS),
    *((f"Without the signs {values} are worse than the initial values.", "mask-1 actions",
       f"random_{arm} < winning") for values, arm in SIGNS),
    *((f"The criterion {name} is as good as the final magnitude.", "mask criteria",
       f"{name} == winning within 0.005") for name in GOOD_CRITERIA),
    *((f"The criterion {name} is worse than the final magnitude.", "mask criteria",
       f"{name} < winning by 0.005") for name in BAD_CRITERIA),
    ("Freezing pruned weights at their initial values is much worse than at zero.",
     "mask-0 actions", "freeze_init < winning by 0.005"),
    ("Zeroing only the weights that moved towards zero is as good as zeroing all.",
     "mask-0 actions", "freeze_init_zero_mask >= winning within 0.001"),
)  # fmt: skip
CLAIMS = tuple(
    {"says": says, "source": f"{PAPER_NAME}, {part}", "compare": compare,
     "remaining": (0.0, 0.6 if part == "mask-0 actions" else 0.1)}
    for says, part, compare in ROWS
)  # fmt: skip


def get_config(argument: str = DEFAULT) -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    config = ConfigDict({section: {} for section in SECTIONS})
    config.prune.rates = {}
    config.name = f"deconstructing_{argument}_cifar10"  # ours
    config.task = "vision"  # Zhou et al. 2019: image classification

    config.data.name = "cifar10"  # Zhou et al. 2019, table of networks
    config.data.validation_size = 5000  # Zhou et al. 2019, code: 55,000 or 45,000 to train on
    config.data.scaling = "unit"  # Zhou et al. 2019, code: pixels divided by 255
    config.data.augment = "none"  # Zhou et al. 2019, code
    config.model.name = argument  # Zhou et al. 2019, table of networks

    config.optimizer.name = "adam"  # Zhou et al. 2019, table of networks

    config.train.batch_size = 60  # Zhou et al. 2019, table of networks
    config.train.eval_every = 100  # Zhou et al. 2019, code
    config.train.value = "best"  # ours: as F&C 2019, at the minimum of the validation loss
    config.train.evaluate_start = True  # Zhou et al. 2019: accuracy before training, section 5

    config.prune.rounds = 24  # Zhou et al. 2019, code
    config.prune.scope = "layer"  # Zhou et al. 2019: layer by layer
    config.prune.rate = 0.2  # Zhou et al. 2019, table of networks: 0.8 kept
    config.prune.rates.output = 0.1  # Zhou et al. 2019, table of networks: 0.9 kept
    config.prune.criterion = "magnitude"  # Zhou et al. 2019: large_final
    config.prune.biases = False  # Zhou et al. 2019, code: biases are never masked
    config.rewind.to = "0it"  # Zhou et al. 2019: back to the initial weights

    config.seeds = (0, 1, 2, 3, 4)  # ours: the paper doesn't say
    arms = tuple(arm for family in FAMILIES_OF_THE_PAPER for arm in FAMILIES[family])
    config.arms = ("winning", *arms)  # Zhou et al. 2019: criteria and actions
    config.keep_trained = ("dense", "winning")  # ours

    if argument == "lenet":
        config.name = "deconstructing_lenet_mnist"  # ours
        config.data.name = "mnist"  # Zhou et al. 2019, table of networks
        config.model.hidden = (300, 100)  # Zhou et al. 2019, table of networks
        config.optimizer.learning_rate = 1.2e-3  # Zhou et al. 2019, table of networks
        config.train.length = "50000it"  # Zhou et al. 2019: 55 epochs of 917 steps
        config.claims = CLAIMS
    else:
        learning_rate, length, rate = TABLE_OF_NETWORKS[argument]
        config.optimizer.learning_rate = learning_rate  # Zhou et al. 2019, table of networks
        config.train.length = length  # Zhou et al. 2019, table of networks
        config.prune.rates.conv = rate  # Zhou et al. 2019, table of networks: 0.9 or 0.85 kept
    return config
