"""The `options` section of the study of neurons at equilibrium."""

from collections.abc import Iterable
from dataclasses import dataclass

ARMS = ("full", "equilibrium", "random")


@dataclass(frozen=True)
class EquilibriumOptions:
    """Which neurons are frozen, and by what they are judged.

    Args:
        epsilon: ε: a neuron is frozen where its velocity is smaller.
        mu: μ, how much of the last velocity is taken off the new one.
        examples: held-out images whose outputs are compared, from the validation set.
        exclude: patterns of paths of layers that always train.
        arms: `full` (nothing is frozen), `equilibrium`, `random` (as many as `equilibrium` of
            the same seed, in each layer and epoch, chosen at random).
    """

    epsilon: float = 1e-3
    mu: float = 0.5
    examples: int = 50
    exclude: tuple[str, ...] = ()
    arms: tuple[str, ...] = ARMS

    def problems(self) -> Iterable[str]:
        if not self.epsilon > 0:
            yield f"epsilon: expected a number above 0. Received: {self.epsilon}"
        if not 0 <= self.mu <= 0.5:
            yield f"mu: expected a number from 0 to 0.5. Received: {self.mu}"
        if self.examples < 1:
            yield f"examples: expected at least 1. Received: {self.examples}"
        if not self.arms or set(self.arms) - set(ARMS):
            yield f"arms: expected some of {', '.join(ARMS)}. Received: {self.arms}"
        if "random" in self.arms and "equilibrium" not in self.arms:
            yield f"arms: expected equilibrium beside random. Received: {self.arms}"
