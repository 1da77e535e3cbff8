"""Zhou et al. 2019 (arXiv 1905.01067), section 5: supermasks learned on LeNet and MNIST.

Four arms: the untrained weights or their signed constants, each with and without dynamic weight
rescaling. The weights are never trained; `dense` is the network whose weights are.
"""

from ml_collections import ConfigDict

SECTIONS = ("data", "model", "optimizer", "train", "prune", "rewind", "supermask")
ARMS = ("supermask", "supermask_signed", "supermask_rescaled", "supermask_rescaled_signed")


# The paper's claims, as comparisons of this experiment.
PAPER_NAME = "Zhou et al. 2019 (1905.01067)"
CLAIMS = (
    {
        "says": "Learned supermasks reach 95.3 % on MNIST.",
        "source": f"{PAPER_NAME}, table 2",
        "compare": "supermask >= 0.953 within 0.005",
    },
    {
        "says": "Rescaling and signed constants make learned supermasks better.",
        "source": f"{PAPER_NAME}, table 2",
        "compare": "supermask_rescaled_signed > supermask by 0.005",
    },
)


def get_config() -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    config = ConfigDict({section: {} for section in SECTIONS})
    config.supermask.optimizer = {}
    config.name = "supermask_mnist"  # ours
    config.task = "vision"  # Zhou et al. 2019

    config.data.name = "mnist"  # Zhou et al. 2019
    config.data.dir = ""  # ours: the folder that holds the prepared data set
    config.data.download = False  # ours: nothing is fetched unless asked for
    config.data.validation_size = 5000  # Zhou et al. 2019: 55,000 to train on
    config.data.scaling = "unit"  # Zhou et al. 2019: pixels divided by 255
    config.data.augment = "none"  # Zhou et al. 2019

    config.model.name = "lenet"  # Zhou et al. 2019
    config.model.hidden = (300, 100)  # Zhou et al. 2019

    config.optimizer.name = "adam"  # Zhou et al. 2019: of the dense network
    config.optimizer.learning_rate = 1.2e-3  # Zhou et al. 2019: of the dense network

    config.train.length = "50000it"  # Zhou et al. 2019: of the dense network
    config.train.batch_size = 60  # Zhou et al. 2019: of the dense network
    config.train.eval_every = 100  # Zhou et al. 2019: of the dense network
    config.train.value = "final"  # ours: at the end, for every arm

    config.supermask.optimizer.name = "sgd"  # Zhou et al. 2019, code
    config.supermask.optimizer.learning_rate = 100.0  # Zhou et al. 2019, code
    config.supermask.optimizer.momentum = 0.9  # Zhou et al. 2019, code
    config.supermask.length = "2000ep"  # Zhou et al. 2019, code
    config.supermask.batch_size = 250  # Zhou et al. 2019, code
    config.supermask.eval_every = 0  # ours: once an epoch
    config.supermask.samples = 10  # Zhou et al. 2019: the mean of ten passes over the test set

    config.prune.rounds = 1  # ours: how many weights a learned mask keeps settles by itself
    config.prune.scope = "layer"  # ours: nothing is pruned here
    config.prune.rate = 0.2  # ours: nothing is pruned here
    config.prune.biases = False  # Zhou et al. 2019: biases are never masked

    config.rewind.to = "0it"  # ours: nothing is rewound here

    config.seeds = (0, 1, 2, 3, 4)  # ours
    config.arms = ARMS  # Zhou et al. 2019, table 2
    config.draws = 1  # ours
    config.keep_trained = ("dense", "supermask_rescaled_signed")  # ours
    config.claims = CLAIMS
    return config
