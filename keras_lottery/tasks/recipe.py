"""How each kind of network is trained: optimizer, length, batch size, evaluation."""

from dataclasses import dataclass, replace

from keras_lottery.config import Config
from keras_lottery.config.learned import EdgePopupConfig, SupermaskConfig
from keras_lottery.config.sections import OptimizerConfig, TrainConfig


@dataclass(frozen=True)
class Recipe:
    """How one kind of network is trained.

    Args:
        optimizer: optimizer and schedule.
        train: length, batch size, evaluation.
        samples: passes over the test set that are averaged, for stochastic networks.
    """

    optimizer: OptimizerConfig
    train: TrainConfig
    samples: int = 1


def recipe(config: Config, parametrization: str) -> Recipe:
    """Returns how networks under a parametrization are trained.

    Learned masks have their own sections for optimizer, length, batch size and evaluation;
    everything else is as for weights.
    """
    if parametrization.startswith("bernoulli"):
        section = config.supermask
        return Recipe(section.optimizer, train_section(config, section), section.samples)
    if parametrization.startswith("edge_popup"):
        return Recipe(config.edge_popup.optimizer, train_section(config, config.edge_popup))
    return Recipe(config.optimizer, config.train)


def train_section(config: Config, section: SupermaskConfig | EdgePopupConfig) -> TrainConfig:
    """Returns the training of the networks whose masks are learned as a section says."""
    return replace(
        config.train,
        length=section.length,
        batch_size=section.batch_size,
        eval_every=section.eval_every,
    )
