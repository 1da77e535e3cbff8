"""Pruning at initialization on LeNet-300-100 and MNIST, with its sanity controls.

The controls are those of Frankle et al. 2021, "Pruning neural networks at initialization: why are
we missing the mark?" (arXiv 2009.08576): the mask shuffled within layers, and fresh weights under
the same mask. Network and training are those of `frankle2019/lenet_mnist`.
"""

from ml_collections import ConfigDict

SECTIONS = ("data", "model", "optimizer", "train", "prune", "rewind")
METHODS = ("magnitude", "random", "snip", "grasp", "synflow")


# The paper's claims, as comparisons of this experiment.
PAPER_NAME = "Frankle et al. 2021 (2009.08576)"
CLAIMS = (
    {
        "says": "Shuffling the mask of SNIP within layers does no harm.",
        "source": f"{PAPER_NAME}, section 5",
        "compare": "init_snip_shuffled >= init_snip within 0.002",
        "remaining": (0.0, 0.5),
    },
    {
        "says": "Fresh weights under the mask of SNIP do no harm.",
        "source": f"{PAPER_NAME}, section 5",
        "compare": "init_snip_reinit >= init_snip within 0.002",
        "remaining": (0.0, 0.5),
    },
    {
        "says": "Magnitude pruning after training is better than SNIP.",
        "source": f"{PAPER_NAME}, section 4",
        "compare": "winning > init_snip",
        "remaining": (0.0, 0.5),
    },
    {
        "says": "Shuffling the mask of GraSP within layers does no harm.",
        "source": f"{PAPER_NAME}, section 5",
        "compare": "init_grasp_shuffled >= init_grasp within 0.002",
        "remaining": (0.0, 0.5),
    },
    {
        "says": "Fresh weights under the mask of GraSP do no harm.",
        "source": f"{PAPER_NAME}, section 5",
        "compare": "init_grasp_reinit >= init_grasp within 0.002",
        "remaining": (0.0, 0.5),
    },
    {
        "says": "Magnitude pruning after training is better than GraSP.",
        "source": f"{PAPER_NAME}, section 4",
        "compare": "winning > init_grasp",
        "remaining": (0.0, 0.5),
    },
    {
        "says": "Shuffling the mask of SynFlow within layers does no harm.",
        "source": f"{PAPER_NAME}, section 5",
        "compare": "init_synflow_shuffled >= init_synflow within 0.002",
        "remaining": (0.0, 0.5),
    },
    {
        "says": "Fresh weights under the mask of SynFlow do no harm.",
        "source": f"{PAPER_NAME}, section 5",
        "compare": "init_synflow_reinit >= init_synflow within 0.002",
        "remaining": (0.0, 0.5),
    },
    {
        "says": "Magnitude pruning after training is better than SynFlow.",
        "source": f"{PAPER_NAME}, section 4",
        "compare": "winning > init_synflow",
        "remaining": (0.0, 0.5),
    },
)


def get_config() -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    config = ConfigDict({section: {} for section in SECTIONS})
    config.name = "prune_at_init_lenet_mnist"  # ours
    config.task = "vision"  # ours

    config.data.name = "mnist"  # ours: as F&C 2019
    config.data.dir = ""  # ours: the folder that holds the prepared data set
    config.data.download = False  # ours: nothing is fetched unless asked for
    config.data.validation_size = 5000  # ours: as frankle2019/lenet_mnist
    config.data.scaling = "unit"  # ours: as frankle2019/lenet_mnist
    config.data.augment = "none"  # ours: as frankle2019/lenet_mnist

    config.model.name = "lenet"  # ours: as F&C 2019
    config.model.hidden = (300, 100)  # ours: as F&C 2019

    config.optimizer.name = "adam"  # ours: as F&C 2019
    config.optimizer.learning_rate = 1.2e-3  # ours: as F&C 2019

    config.train.length = "50000it"  # ours: as F&C 2019
    config.train.batch_size = 60  # ours: as F&C 2019
    config.train.eval_every = 500  # ours
    config.train.value = "final"  # ours: every method is trained to the end

    config.prune.rounds = 5  # ours: 40, 16, 6.4, 2.6 and 1 % remaining
    config.prune.rate = 0.6  # ours
    config.prune.scope = "global"  # ours: the scores of each method are compared over all layers
    config.prune.criterion = "magnitude"  # ours: of `winning`

    config.rewind.to = "0it"  # ours: at initialization

    config.seeds = (0, 1, 2, 3, 4)  # ours
    controls = [f"init_{m}{c}" for m in METHODS for c in ("", "_shuffled", "_reinit")]
    config.arms = ("winning", "one_shot", *controls)  # Frankle et al. 2021: the two controls
    config.draws = 1  # ours
    config.claims = CLAIMS
    return config
