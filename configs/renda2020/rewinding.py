"""Weight rewinding, learning-rate rewinding and fine-tuning.

Renda, Frankle & Carbin 2020, "Comparing rewinding and fine-tuning in neural network pruning"
(arXiv 2003.02389). All three retrain for the same number of steps: weight rewinding from the
weights and learning rate of an earlier epoch, learning-rate rewinding from the final weights at the
earlier learning rate, fine-tuning from the final weights at the last learning rate. On the digits
the learning rate drops after half and three quarters of the training, as for their ResNet-20;
everything else there is ours.
"""

from ml_collections import ConfigDict

from keras_lottery.config import presets

DEFAULT = "digits"
VARIANTS = {
    "digits": "Weight and learning-rate rewinding and fine-tuning: LeNet-300-100 on the digits",
    "resnet20_cifar10": "Weight and learning-rate rewinding and fine-tuning: ResNet-20 on CIFAR-10",
}

PAPER_NAME = "Renda et al. 2020 (2003.02389)"

# The paper's claims, as comparisons of this experiment.
CLAIMS = (
    {"says": "Learning-rate rewinding is at least as good as weight rewinding.",
     "source": f"{PAPER_NAME}, section 4",
     "compare": "learning_rate_rewind >= winning within 0.002", "remaining": (0.0, 0.2)},
    {"says": "Weight rewinding is at least as good as fine-tuning.",
     "source": f"{PAPER_NAME}, section 4", "compare": "winning >= fine_tune within 0.002",
     "remaining": (0.0, 0.2)},
    {"says": "Learning-rate rewinding is better than fine-tuning.",
     "source": f"{PAPER_NAME}, section 4", "compare": "learning_rate_rewind > fine_tune",
     "remaining": (0.0, 0.2)},
)  # fmt: skip


def get_config(argument: str = DEFAULT) -> ConfigDict:
    """Returns the experiment: what differs from `frankle2019/deep:resnet20`."""
    config = presets.load("frankle2019/deep:resnet20")
    config.name = f"rewinding_{argument}"  # ours
    config.task = "vision"  # Renda et al. 2020: image classification

    config.data.name = "cifar10"  # Renda et al. 2020
    config.model.name = "resnet20"  # Renda et al. 2020

    config.optimizer.schedule = "piecewise"  # Renda et al. 2020
    config.optimizer.boundaries = ("91ep", "136ep")  # Renda et al. 2020
    config.optimizer.l2 = 2e-4  # Renda et al. 2020

    config.train.length = "182ep"  # Renda et al. 2020
    config.train.batch_size = 128  # Renda et al. 2020
    config.train.eval_every = 0  # ours: once an epoch

    config.prune.rounds = 10  # ours: down to 10.7 % remaining
    config.prune.output = True  # ours
    config.prune.exclude = ()  # ours: shortcuts are pruned, too
    config.rewind.to = "18ep"  # ours: retraining takes nine tenths of the training

    config.arms = ("winning", "learning_rate_rewind", "fine_tune")  # Renda et al. 2020
    config.claims = CLAIMS

    if argument == "digits":
        config.data.name = "digits"  # ours: the data set that needs no download
        config.data.validation_size = 200  # ours: as quickstart
        config.data.scaling = "unit"  # ours: as quickstart
        config.data.augment = "none"  # ours: as quickstart
        config.model.name = "lenet"  # ours: as quickstart
        config.model.hidden = (300, 100)  # ours: as quickstart
        config.optimizer.boundaries = ("500it", "750it")  # Renda et al. 2020: at 1/2 and 3/4
        config.optimizer.l2 = None  # ours
        config.train.length = "1000it"  # ours: 50 epochs
        config.train.batch_size = 60  # ours: as quickstart
        config.train.eval_every = 100  # ours
        config.prune.rounds = 9  # ours: down to 1.8 % remaining
        config.prune.rate = 0.36  # ours: merges two of the usual rounds of 20 %
        config.rewind.to = "100it"  # ours: retraining takes nine tenths of the training
    return config
