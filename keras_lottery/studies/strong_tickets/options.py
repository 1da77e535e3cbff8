"""The `options` section of the study of strong tickets."""

from collections.abc import Iterable
from dataclasses import dataclass

from keras_lottery.errors import LotteryError
from keras_lottery.studies.strong_tickets.bounds import check_density
from keras_lottery.studies.strong_tickets.subset_sum import MOST


@dataclass(frozen=True)
class StrongTicketsOptions:
    """How large the random networks are, and what they are to reach.

    Args:
        densities: fractions of every block of candidates that are kept, k/n.
        error: largest difference of an output from the target's on the test set.
        agreement: least fraction of test examples with the target's prediction.
        most: largest n tried: candidates per target weight and sign.
        sums: numbers n of the random subset sums.
        sum_draws: independent draws of the n numbers.
        targets: targets z, as fractions of √k.
        ratios: values of n · H₂(k/n) / log₂(k/ε); they decide the ε at which success is counted.
        gadget_draws: independent draws of the single-weight gadget.
    """

    densities: tuple[float, ...] = (0.125, 0.25, 0.5)
    error: float = 0.05
    agreement: float = 0.99
    most: int = 40
    sums: tuple[int, ...] = (16, 24, 32, 40)
    sum_draws: int = 100
    targets: tuple[float, ...] = (0.0, 0.5, 1.0)
    ratios: tuple[float, ...] = (
        0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.8, 2.0, 2.4,
    )  # fmt: skip
    gadget_draws: int = 50

    def problems(self) -> Iterable[str]:
        yield from self._density_problems()
        if not self.error > 0:
            yield f"error: expected a number above 0. Received: {self.error}"
        if not 0 < self.agreement <= 1:
            yield f"agreement: expected a fraction above 0, up to 1. Received: {self.agreement}"
        for name, numbers in (("most", (self.most,)), ("sums", self.sums)):
            if any(not 2 <= n <= MOST for n in numbers):
                yield f"{name}: expected numbers from 2 to {MOST}. Received: {numbers}"
        for name in ("sum_draws", "gadget_draws"):
            if getattr(self, name) < 1:
                yield f"{name}: expected at least 1. Received: {getattr(self, name)}"
        if any(abs(share) > 1 for share in self.targets):
            yield f"targets: expected fractions of √k from -1 to 1. Received: {self.targets}"
        if any(not ratio > 0 for ratio in self.ratios):
            yield f"ratios: expected numbers above 0. Received: {self.ratios}"

    def _density_problems(self) -> Iterable[str]:
        if not self.densities:
            yield "densities: expected at least one. Received none"
        for density in self.densities:
            try:
                check_density(density)
            except LotteryError as error:
                yield f"densities: {str(error).rstrip('.')}"
