"""The `options` of the study `instability`."""

from collections.abc import Iterable
from dataclasses import dataclass

from keras_lottery.duration import Duration
from keras_lottery.errors import LotteryError

SUBJECTS = ("dense", "winning")


@dataclass(frozen=True)
class InstabilityOptions:
    """From where copies are trained, and how the line between them is measured.

    Args:
        points: durations at which training goes apart, instead of `rewind.to`.
        subjects: `dense`, and `winning`: the ticket of the last round, rewound to the point.
        orders: copies trained from a point, each in a data order of its own; every two are a pair.
        alphas: networks measured on the line between a pair, the ends included.
    """

    points: tuple[str, ...] = ("0it",)
    subjects: tuple[str, ...] = SUBJECTS
    orders: int = 2
    alphas: int = 30

    def problems(self) -> Iterable[str]:
        if not self.points or len(set(self.points)) != len(self.points):
            yield f"points: expected different durations. Received: {self.points}"
        for point in self.points:
            try:
                Duration.parse(point)
            except LotteryError as error:
                yield f"points: {str(error).rstrip('.')}"
        if not self.subjects or set(self.subjects) - set(SUBJECTS):
            yield f"subjects: expected some of {', '.join(SUBJECTS)}. Received: {self.subjects}"
        if self.orders < 2:
            yield f"orders: expected 2 or more. Received: {self.orders}"
        if self.alphas < 3:
            yield f"alphas: expected 3 or more. Received: {self.alphas}"
