"""One-shot pruning by inertial manifold on LeNet-300-100: an interpretation.

Zhang et al., "Validating the lottery ticket hypothesis with inertial manifold theory" (NeurIPS
2021): of their algorithm only the first and the last step are public, so what happens between
them here is ours (`keras_lottery.arms.inertial_manifold_interpretation`) and reproduces nothing.
"""

from ml_collections import ConfigDict

DEFAULT = "digits"
VARIANTS = {
    "digits": "One-shot pruning by inertial manifold on the digits: an interpretation",
    "mnist": "One-shot pruning by inertial manifold on MNIST: an interpretation",
}

SECTIONS = ("data", "model", "optimizer", "train", "prune", "rewind")
PAPER_NAME = "Zhang et al. 2021"

# The paper's claims, as comparisons of this experiment.
CLAIMS = (
    {"says": "A network pruned once, after ten iterations, is as good as the dense one.",
     "source": f"{PAPER_NAME}, abstract", "compare": "inertial_manifold >= dense within 0.005",
     "not_comparable": "our interpretation; steps 2 to 5 of the algorithm are not public"},
)  # fmt: skip


def get_config(argument: str = DEFAULT) -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    config = ConfigDict({section: {} for section in SECTIONS})
    config.name = "inertial_manifold_digits"  # ours
    config.task = "vision"  # ours

    config.data.name = "digits"  # ours: the data set that needs no network
    config.data.validation_size = 200  # ours: as quickstart
    config.data.scaling = "unit"  # ours: as frankle2019/lenet_mnist
    config.data.augment = "none"  # ours: as frankle2019/lenet_mnist

    config.model.name = "lenet"  # ours: as F&C 2019
    config.model.hidden = (300, 100)  # ours: as F&C 2019

    config.optimizer.name = "sgd"  # Zhang et al. 2021: the first iterations are those of SGD
    config.optimizer.learning_rate = 0.1  # ours
    config.optimizer.momentum = 0.9  # ours

    config.train.length = "1000it"  # ours
    config.train.batch_size = 60  # ours: as F&C 2019
    config.train.eval_every = 100  # ours
    config.train.value = "final"  # ours

    config.prune.rounds = 5  # ours: windows around 40, 16, 6.4, 2.6 and 1 % remaining
    config.prune.rate = 0.6  # ours
    config.prune.scope = "global"  # ours: one spectrum over all layers

    config.rewind.to = "10it"  # Zhang et al. 2021: ten iterations before pruning, then one training

    config.seeds = (0, 1, 2, 3, 4)  # ours
    matched = [f"matched_{c}" for c in ("curvature", "magnitude", "snip", "random")]
    config.arms = ("winning", "inertial_manifold", *matched)  # ours
    config.claims = CLAIMS

    if argument == "mnist":
        config.name = "inertial_manifold_lenet_mnist"  # ours
        config.data.name = "mnist"  # ours: the paper has CIFAR-10, CIFAR-100 and ImageNet
        config.data.validation_size = 5000  # ours: as frankle2019/lenet_mnist
        config.train.length = "20000it"  # ours
        config.train.eval_every = 500  # ours
    return config
