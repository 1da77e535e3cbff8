"""The options of the study `supermasks`."""

from collections.abc import Iterable
from dataclasses import dataclass

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
"""Mask criteria of Zhou et al. 2019 (1905.01067), section 3."""

WEIGHTS = ("init", "signed_constant")


@dataclass(frozen=True)
class SupermasksOptions:
    """Which masks over which untrained weights are measured.

    Args:
        criteria: names of registered criteria, each of which makes a mask of every level.
        weights: `init`, the weights that training began with, and `signed_constant`, their signs
            times the standard deviation of their variable.
        levels: numbers of pruning rounds from 0, each cut in one go; `prune.rounds` is not used.
        validation_examples: held-out images on which the levels are compared; 0: all of them.
    """

    criteria: tuple[str, ...] = CRITERIA
    weights: tuple[str, ...] = WEIGHTS
    levels: int = 25
    validation_examples: int = 0

    def problems(self) -> Iterable[str]:
        for name, received in (("criteria", self.criteria), ("weights", self.weights)):
            if not received or len(set(received)) != len(received):
                yield f"{name}: expected one or more different names. Received: {received}"
        if unknown := sorted(set(self.weights) - set(WEIGHTS)):
            yield f"weights: expected some of {', '.join(WEIGHTS)}. Received: {', '.join(unknown)}"
        if self.levels < 1:
            yield f"levels: expected at least 1. Received: {self.levels}"
        if self.validation_examples < 0:
            yield f"validation_examples: expected 0 or more. Received: {self.validation_examples}"
