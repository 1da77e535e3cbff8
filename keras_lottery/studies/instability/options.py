"""The `options` of the study `instability`."""

from dataclasses import dataclass
from typing import Annotated

from keras_lottery.config import Config, Section
from keras_lottery.config.fields import Distinct, Length, OneOf, Range

SUBJECTS = ("dense", "winning")


@dataclass(frozen=True)
class InstabilityOptions:
    """Where the copies branch off, and how the line between them is measured.

    Args:
        points: durations at which the copies branch off, instead of `rewind.to`.
        subjects: `dense`, and `winning`: the ticket of the last round, rewound to the point.
        orders: copies trained from a point, each with its own data order; every two are a pair.
        alphas: networks measured on the line between a pair, including the ends.
    """

    points: Annotated[tuple[Annotated[str, Length()], ...], Distinct(least=1)] = ("0it",)
    subjects: Annotated[tuple[Annotated[str, OneOf(SUBJECTS)], ...], Distinct(least=1)] = SUBJECTS
    orders: Annotated[int, Range(least=2)] = 2
    alphas: Annotated[int, Range(least=3)] = 30


InstabilityConfig = Config[Section, Section, InstabilityOptions]
"""A config of this study."""
