"""The `options` section of the study of neurons at equilibrium."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from keras_lottery.config import Config, Section
from keras_lottery.config.fields import AboveZero, Distinct, OneOf, Pattern, Positive, Range

ARMS = ("full", "equilibrium", "random")


@dataclass(frozen=True)
class EquilibriumOptions:
    """The choice of frozen neurons.

    Args:
        epsilon: ε: neurons with a smaller velocity are frozen.
        mu: μ, the fraction of the last velocity subtracted from the new one.
        examples: number of validation images whose outputs are compared.
        exclude: path patterns of layers that are never frozen.
        arms: `full` (nothing is frozen), `equilibrium`, `random` (as many as `equilibrium` of
            the same seed, in each layer and epoch, chosen at random).
    """

    epsilon: AboveZero = 1e-3
    mu: Annotated[float, Range(least=0, most=0.5)] = 0.5
    examples: Positive = 50
    exclude: tuple[Pattern, ...] = ()
    arms: Annotated[tuple[Annotated[str, OneOf(ARMS)], ...], Distinct(least=1)] = ARMS

    def problems(self) -> Iterable[str]:
        if "random" in self.arms and "equilibrium" not in self.arms:
            yield f"arms: expected equilibrium together with random. Received: {self.arms}"


EquilibriumConfig = Config[Section, Section, EquilibriumOptions]
"""A config of this study."""
