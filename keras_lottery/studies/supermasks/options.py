"""The options of the study `supermasks`."""

from dataclasses import dataclass
from typing import Annotated

from keras_lottery.config import Config, Section
from keras_lottery.config.fields import Count, Distinct, Known, OneOf, Positive

CRITERIA = (
    "large_final",
    "large_final_same_sign",
    "large_final_diff_sign",
    "magnitude_increase",
    "magnitude_increase_same_sign",
    "magnitude_increase_diff_sign",
    "movement",
    "large_init_large_final",
    "large_init",
    "small_final",
    "small_init",
    "small_init_small_final",
    "random",
)
"""Mask criteria of Zhou et al. 2019 (1905.01067)."""

Criterion = Annotated[str, Known("criterion", "keras_lottery.pruning:criteria")]
WEIGHTS = ("init", "signed_constant")


@dataclass(frozen=True)
class SupermasksOptions:
    """The masks and untrained weights to measure.

    Args:
        criteria: names of registered criteria, each of which gives a mask for every level.
        weights: `init`, the initial weights, and `signed_constant`, their signs
            times the standard deviation of their variable.
        levels: numbers of pruning rounds from 0, each pruned at once; `prune.rounds` is not used.
        validation_examples: held-out images on which the levels are compared; 0: all of them.
    """

    criteria: Annotated[tuple[Criterion, ...], Distinct(least=1)] = CRITERIA
    weights: Annotated[tuple[Annotated[str, OneOf(WEIGHTS)], ...], Distinct(least=1)] = WEIGHTS
    levels: Positive = 25
    validation_examples: Count = 0


SupermasksConfig = Config[Section, Section, SupermasksOptions]
"""A config of this study."""
