"""Zhou et al. 2019 (arXiv 1905.01067): which weights to keep, at which values, and the others.

Three families of arms beside the lottery ticket (`winning`: keep the weights of large final
magnitude, rewind them, set the others to zero): other mask criteria (section 3 of the paper),
other values of the kept weights (section 4), other values of the pruned weights (section 5).
`evaluate_start` measures every network before its first step, too.
"""

from ml_collections import ConfigDict

from keras_lottery.arms import FAMILIES

FAMILIES_OF_THE_PAPER = ("mask_criteria", "kept_values", "pruned_values")
SECTIONS = ("data", "model", "optimizer", "train", "prune", "rewind")


# The paper's claims, as comparisons of this experiment.
PAPER_NAME = "Zhou et al. 2019 (1905.01067)"
CLAIMS = (
    {
        "says": "With the signs kept, other initial values are as good as the initial values.",
        "source": f"{PAPER_NAME}, section 4",
        "compare": "signed_reinit == winning within 0.005",
        "remaining": (0.0, 0.1),
    },
    {
        "says": "With the signs kept, reshuffled values are as good as the initial values.",
        "source": f"{PAPER_NAME}, section 4",
        "compare": "signed_reshuffle == winning within 0.005",
        "remaining": (0.0, 0.1),
    },
    {
        "says": "With the signs kept, constants are as good as the initial values.",
        "source": f"{PAPER_NAME}, section 4",
        "compare": "signed_constant == winning within 0.005",
        "remaining": (0.0, 0.1),
    },
    {
        "says": "Without the signs other initial values are worse than the initial values.",
        "source": f"{PAPER_NAME}, section 4",
        "compare": "random_reinit < winning",
        "remaining": (0.0, 0.1),
    },
    {
        "says": "Without the signs reshuffled values are worse than the initial values.",
        "source": f"{PAPER_NAME}, section 4",
        "compare": "random_reshuffle < winning",
        "remaining": (0.0, 0.1),
    },
    {
        "says": "Without the signs constants are worse than the initial values.",
        "source": f"{PAPER_NAME}, section 4",
        "compare": "random_constant < winning",
        "remaining": (0.0, 0.1),
    },
    {
        "says": "The criterion magnitude_increase is as good as the final magnitude.",
        "source": f"{PAPER_NAME}, section 2",
        "compare": "magnitude_increase == winning within 0.005",
        "remaining": (0.0, 0.1),
    },
    {
        "says": "The criterion movement is as good as the final magnitude.",
        "source": f"{PAPER_NAME}, section 2",
        "compare": "movement == winning within 0.005",
        "remaining": (0.0, 0.1),
    },
    {
        "says": "The criterion large_init_large_final is as good as the final magnitude.",
        "source": f"{PAPER_NAME}, section 2",
        "compare": "large_init_large_final == winning within 0.005",
        "remaining": (0.0, 0.1),
    },
    {
        "says": "The criterion large_init is worse than the final magnitude.",
        "source": f"{PAPER_NAME}, section 2",
        "compare": "large_init < winning by 0.005",
        "remaining": (0.0, 0.1),
    },
    {
        "says": "The criterion small_final is worse than the final magnitude.",
        "source": f"{PAPER_NAME}, section 2",
        "compare": "small_final < winning by 0.005",
        "remaining": (0.0, 0.1),
    },
    {
        "says": "The criterion small_init is worse than the final magnitude.",
        "source": f"{PAPER_NAME}, section 2",
        "compare": "small_init < winning by 0.005",
        "remaining": (0.0, 0.1),
    },
    {
        "says": "The criterion random is worse than the final magnitude.",
        "source": f"{PAPER_NAME}, section 2",
        "compare": "random < winning by 0.005",
        "remaining": (0.0, 0.1),
    },
    {
        "says": "Freezing pruned weights at their initial values is much worse than at zero.",
        "source": f"{PAPER_NAME}, section 3",
        "compare": "freeze_init < winning by 0.005",
        "remaining": (0.0, 0.6),
    },
    {
        "says": "Zeroing only the weights that moved towards zero is as good as zeroing all.",
        "source": f"{PAPER_NAME}, section 3",
        "compare": "freeze_init_zero_mask >= winning within 0.001",
        "remaining": (0.0, 0.6),
    },
)


def get_config() -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    config = ConfigDict({section: {} for section in SECTIONS})
    config.prune.rates = {}
    config.name = "deconstructing_lenet_mnist"  # ours
    config.task = "vision"  # Zhou et al. 2019: image classification

    config.data.name = "mnist"  # Zhou et al. 2019, table of networks
    config.data.dir = ""  # ours: the folder that holds the prepared data set
    config.data.download = False  # ours: nothing is fetched unless asked for
    config.data.validation_size = 5000  # Zhou et al. 2019, code: 55,000 to train on
    config.data.scaling = "unit"  # Zhou et al. 2019, code: pixels divided by 255
    config.data.augment = "none"  # Zhou et al. 2019, code

    config.model.name = "lenet"  # Zhou et al. 2019, table of networks
    config.model.hidden = (300, 100)  # Zhou et al. 2019, table of networks

    config.optimizer.name = "adam"  # Zhou et al. 2019, table of networks
    config.optimizer.learning_rate = 1.2e-3  # Zhou et al. 2019, table of networks

    config.train.length = "50000it"  # Zhou et al. 2019: 55 epochs of 917 steps
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

    config.seeds = (0, 1, 2, 3, 4)  # ours: the paper's figures do not say
    arms = tuple(arm for family in FAMILIES_OF_THE_PAPER for arm in FAMILIES[family])
    config.arms = ("winning", *arms)  # Zhou et al. 2019, sections 3 to 5
    config.draws = 1  # ours
    config.keep_trained = ("dense", "winning")  # ours
    config.claims = CLAIMS
    return config
