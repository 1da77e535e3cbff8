"""The `options` section of the study of strong tickets."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from keras_lottery.config import Config, Section
from keras_lottery.config.fields import AboveZero, Filled, Positive, Range
from keras_lottery.errors import LotteryError
from keras_lottery.studies.strong_tickets.bounds import check_density
from keras_lottery.studies.strong_tickets.subset_sum import MOST

Size = Annotated[int, Range(least=2, most=MOST)]


@dataclass(frozen=True)
class StrongTicketsOptions:
    """The sizes of the random networks, and the required accuracy of the approximation.

    Args:
        densities: fractions k/n of every block of candidates to keep.
        error: largest difference of an output from the target's on the test set.
        agreement: minimum fraction of test examples with the target's prediction.
        most: largest n to try: candidates per target weight and sign.
        sums: sizes n of the random subset sums.
        sum_draws: independent draws of the n numbers.
        targets: targets z, as fractions of √k.
        ratios: values of n · H₂(k/n) / log₂(k/ε); they determine ε.
        gadget_draws: independent draws of the single-weight gadget.
    """

    densities: Annotated[tuple[float, ...], Filled()] = (0.125, 0.25, 0.5)
    error: AboveZero = 0.05
    agreement: Annotated[float, Range(above=0, most=1)] = 0.99
    most: Size = 40
    sums: Annotated[tuple[Size, ...], Filled()] = (16, 24, 32, 40)
    sum_draws: Positive = 100
    targets: Annotated[tuple[Annotated[float, Range(least=-1, most=1)], ...], Filled()] = (
        0.0, 0.5, 1.0,
    )  # fmt: skip
    ratios: Annotated[tuple[AboveZero, ...], Filled()] = (
        0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.8, 2.0, 2.4,
    )  # fmt: skip
    gadget_draws: Positive = 50

    def problems(self) -> Iterable[str]:
        for density in self.densities:
            try:
                check_density(density)
            except LotteryError as error:
                yield f"densities: {str(error).rstrip('.')}"


StrongTicketsConfig = Config[Section, Section, StrongTicketsOptions]
"""A config of this study."""
