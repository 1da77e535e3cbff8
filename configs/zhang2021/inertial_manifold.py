"""One-shot pruning by inertial manifold on LeNet-300-100: an interpretation.

Zhang et al., "Validating the lottery ticket hypothesis with inertial manifold theory" (NeurIPS
2021): only the first and the last step of their algorithm are public. The steps in between
are ours (`keras_lottery.arms.inertial_manifold_interpretation`), so this reproduces nothing.
"""

from ml_collections import ConfigDict

from keras_lottery.config import presets

DEFAULT = "digits"
VARIANTS = {
    "digits": "One-shot pruning by inertial manifold on the digits: an interpretation",
    "mnist": "One-shot pruning by inertial manifold on MNIST: an interpretation",
}

PAPER_NAME = "Zhang et al. 2021"

# The paper's claims, as comparisons of this experiment.
CLAIMS = (
    {"says": "A network pruned once, after ten iterations, is as good as the dense one.",
     "source": f"{PAPER_NAME}, abstract", "compare": "inertial_manifold >= dense within 0.005",
     "not_comparable": "our interpretation; steps 2 to 5 of the algorithm are not public"},
)  # fmt: skip


def get_config(argument: str = DEFAULT) -> ConfigDict:
    """Returns the experiment: what differs from `quickstart`."""
    config = presets.load("quickstart")
    config.name = "inertial_manifold_digits"  # ours

    config.optimizer.name = "sgd"  # Zhang et al. 2021: the first iterations are those of SGD
    config.optimizer.learning_rate = 0.1  # ours
    config.optimizer.momentum = 0.9  # ours

    config.prune.rounds = 5  # ours: windows around 40, 16, 6.4, 2.6 and 1 % remaining
    config.prune.rate = 0.6  # ours
    config.prune.scope = "global"  # ours: one spectrum over all layers
    config.rewind.to = "10it"  # Zhang et al. 2021: ten iterations before pruning, then one training

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
