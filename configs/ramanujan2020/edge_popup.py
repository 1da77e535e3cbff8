"""Ramanujan et al. 2020 (arXiv 1911.13299): edge-popup.

Two arms learn which random weights to use, with Kaiming normal values and with signed constants,
next to the dense network and winning tickets with as many weights.
"""

from ml_collections import ConfigDict

DEFAULT = "lenet"
VARIANTS = {
    "lenet": "Edge-popup in LeNet-300-100 on MNIST",
    "conv2": "Edge-popup in Conv-2 on CIFAR-10",
    "conv4": "Edge-popup in Conv-4 on CIFAR-10",
}

SECTIONS = ("data", "model", "optimizer", "train", "prune", "rewind", "edge_popup")
PAPER_NAME = "Ramanujan et al. 2020 (1911.13299)"

# The paper's claims, as comparisons of this experiment.
SIGNED = {
    "says": "Signed constants are better than random weights, by 5 to 6 points.",
    "source": f"{PAPER_NAME}, section 4", "compare": "edge_popup_signed > edge_popup by 0.01",
    "remaining": (0.3, 0.7),
}  # fmt: skip
CLAIMS = (
    {"says": "With 30 to 70 % kept, an untrained network is close to the trained one.",
     "source": f"{PAPER_NAME}, section 4", "compare": "edge_popup_signed >= dense within 0.02",
     "remaining": (0.29, 0.71), "by_level": True},
    {"says": "An untrained network is worse with 10 % kept than a trained ticket.",
     "source": "ours", "compare": "edge_popup_signed < winning by 0.01", "remaining": (0.05, 0.15)},
)  # fmt: skip


def get_config(argument: str = DEFAULT) -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    config = ConfigDict({section: {} for section in SECTIONS})
    config.edge_popup.optimizer = {}
    config.name = f"edge_popup_{argument}_cifar10"  # ours
    config.task = "vision"  # Ramanujan et al. 2020

    config.data.name = "cifar10"  # Ramanujan et al. 2020, section 4
    config.data.validation_size = 5000  # ours: as Zhou et al. 2019
    config.data.scaling = "unit"  # ours: as Zhou et al. 2019
    config.data.augment = "none"  # ours
    config.model.name = argument  # Ramanujan et al. 2020, section 4

    config.optimizer.name = "adam"  # Ramanujan et al. 2020: of the dense network
    rate = 2e-4 if argument == "conv2" else 3e-4
    config.optimizer.learning_rate = rate  # Ramanujan et al. 2020: of the dense network

    config.train.length = "100ep"  # Ramanujan et al. 2020: their code
    config.train.batch_size = 60  # Ramanujan et al. 2020: of the dense network
    config.train.eval_every = 100  # ours
    config.train.value = "final"  # ours: at the end, for all arms

    config.edge_popup.optimizer.name = "sgd"  # Ramanujan et al. 2020, section 4
    config.edge_popup.optimizer.learning_rate = 0.1  # Ramanujan et al. 2020, section 4
    config.edge_popup.optimizer.schedule = "cosine"  # Ramanujan et al. 2020, section 4
    config.edge_popup.optimizer.momentum = 0.9  # Ramanujan et al. 2020, section 4
    config.edge_popup.optimizer.l2 = 1e-4  # Ramanujan et al. 2020, section 4: of the scores
    config.edge_popup.optimizer.weight_decay = None  # ours: not decoupled as in Keras
    config.edge_popup.length = "100ep"  # Ramanujan et al. 2020, section 4
    config.edge_popup.batch_size = 128  # Ramanujan et al. 2020, section 4
    config.edge_popup.scale = False  # Ramanujan et al. 2020: unscaled on ImageNet

    config.prune.rounds = 6  # ours: 70, 49, 34, 24, 17 and 12 % of every layer kept
    config.prune.scope = "layer"  # Ramanujan et al. 2020: the same fraction of every layer
    config.prune.rate = 0.3  # ours
    config.prune.biases = False  # Ramanujan et al. 2020: no biases; here they stay 0
    config.rewind.to = "0it"  # ours: of the winning tickets

    config.seeds = (0, 1, 2)  # ours
    config.arms = ("winning", "edge_popup", "edge_popup_signed")  # ours, and Ramanujan et al. 2020
    config.keep_trained = ("dense", "winning", "edge_popup_signed")  # ours
    config.claims = (SIGNED, *CLAIMS)

    if argument == "lenet":
        config.name = "edge_popup_lenet_mnist"  # ours
        config.data.name = "mnist"  # ours
        config.model.name = "lenet"  # ours: a fully connected network, as in Zhou et al. 2019
        config.model.hidden = (300, 100)  # ours: as Zhou et al. 2019
        config.optimizer.name = "adam"  # ours: as Zhou et al. 2019
        config.optimizer.learning_rate = 1.2e-3  # ours: as Zhou et al. 2019
        config.train.length = "50000it"  # ours: as Zhou et al. 2019
        config.train.batch_size = 60  # ours: as Zhou et al. 2019
        reason = "on MNIST these networks are within 4 points of the trained one"
        config.claims = (SIGNED | {"not_comparable": reason}, *CLAIMS)
    else:
        config.model.dropout = 0.0  # Ramanujan et al. 2020, section 4
    return config
