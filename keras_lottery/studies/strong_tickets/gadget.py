"""One weight from random ones: y = w·x as a sum of a_j · relu(b_j · x), for x of both signs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError
from keras_lottery.studies.strong_tickets.subset_sum import SubsetSums


@dataclass(frozen=True, eq=False)
class Gadget:
    """The neurons that approximate one target weight.

    For x ≥ 0 only the neurons with b_j > 0 are active, and y = (Σ a_j b_j) x over them; for x < 0
    those with b_j < 0. Each of the two slopes is a separate subset sum.

    Args:
        chosen: True = the weight a_j is kept; shape `(candidates,)`.
        positive: slope for x ≥ 0.
        negative: slope for x < 0.
        weight: the target, w.
    """

    chosen: NDArray[np.bool_]
    positive: float
    negative: float
    weight: float

    @property
    def error(self) -> float:
        """Largest |y - w·x| over x in [-1, 1]."""
        return max(abs(self.positive - self.weight), abs(self.negative - self.weight))


def gadget(a: NDArray[np.floating], b: NDArray[np.floating], weight: float, k: int) -> Gadget:
    """Returns the best choice of exactly k candidates of either sign of b.

    Args:
        a: outgoing weights; shape `(candidates,)`.
        b: incoming weights; shape `(candidates,)`.
        weight: the target, w.
        k: neurons kept of those with b > 0, and of those with b < 0.

    Raises:
        LotteryError: k is below 1, or above the candidates of a sign.
    """
    products = np.asarray(a, np.float64) * np.asarray(b, np.float64)
    chosen = np.zeros(len(products), bool)
    slopes = []
    for places in (np.flatnonzero(np.asarray(b) > 0), np.flatnonzero(np.asarray(b) < 0)):
        if not len(places):
            raise LotteryError(
                "Expected incoming weights of both signs. Received: only one. Draw more of them."
            )
        nearest = SubsetSums(products[places], k).nearest(k, [weight])
        chosen[places[nearest.chosen[0]]] = True
        slopes.append(float(nearest.sums[0]))
    return Gadget(chosen, slopes[0], slopes[1], float(weight))
