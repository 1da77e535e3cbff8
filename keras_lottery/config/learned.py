"""The sections of a config for arms that train a mask and no weights."""

from dataclasses import dataclass, field
from typing import Annotated

from keras_lottery.config.fields import Count, Length, Positive
from keras_lottery.config.sections import OptimizerConfig


@dataclass(frozen=True)
class SupermaskConfig:
    """Settings of the arms `supermask...`, which train mask probabilities over untrained weights.

    Args:
        optimizer: optimizer of the scores, whose small gradients need a learning rate like 100.
        length: length of a training, as a duration in batches of this section.
        batch_size: examples per step.
        eval_every: steps between evaluations on the validation set; 0: once an epoch.
        samples: passes over the test set, each with new mask samples; their mean is the value.

    Reference: Zhou et al. 2019 (1905.01067), section 5.
    """

    optimizer: OptimizerConfig = field(
        default_factory=lambda: OptimizerConfig("sgd", learning_rate=100.0, momentum=0.9)
    )
    length: Annotated[str, Length(least=1)] = "2000ep"
    batch_size: Positive = 250
    eval_every: Count = 0
    samples: Positive = 10


@dataclass(frozen=True)
class EdgePopupConfig:
    """Settings of the arms `edge_popup...`, which train scores over random weights.

    Args:
        optimizer: optimizer of the scores, including weight decay.
        length: length of a training, as a duration in batches of this section.
        batch_size: examples per step.
        eval_every: steps between evaluations on the validation set; 0: once an epoch.
        scale: multiply the weights of a variable by √(1 / fraction kept).

    Reference: Ramanujan et al. 2020 (1911.13299), sections 3 and 4.
    """

    optimizer: OptimizerConfig = field(
        default_factory=lambda: OptimizerConfig(
            "sgd", learning_rate=0.1, schedule="cosine", momentum=0.9, weight_decay=1e-4
        )
    )
    length: Annotated[str, Length(least=1)] = "100ep"
    batch_size: Positive = 128
    eval_every: Count = 0
    scale: bool = False
