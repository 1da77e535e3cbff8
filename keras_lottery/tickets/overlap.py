"""The overlap of two masks, compared with its expectation by chance."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from keras_lottery.errors import LotteryError
from keras_lottery.types import MaskSet


@dataclass(frozen=True)
class Overlap:
    """The overlap of two masks of one variable, or of all variables.

    Args:
        size: number of weights n.
        kept_a: weights that the first mask keeps, a.
        kept_b: weights that the second mask keeps, b.
        both: weights that both keep.
        expected_both: Σ a b / n over the variables: the mean of `both` when each mask is
            shuffled within each variable.
    """

    size: int
    kept_a: int
    kept_b: int
    both: float
    expected_both: float

    @property
    def share(self) -> float:
        """2 both / (a + b): the share of the kept weights that both keep; 1 if none is kept."""
        return _ratio(2 * self.both, self.kept_a + self.kept_b)

    @property
    def expected_share(self) -> float:
        """`share` at `expected_both`: its mean by chance."""
        return _ratio(2 * self.expected_both, self.kept_a + self.kept_b)

    @property
    def jaccard(self) -> float:
        """Both / either; 1 if none is kept."""
        return _ratio(self.both, self.kept_a + self.kept_b - self.both)

    @property
    def expected_jaccard(self) -> float:
        """`jaccard` at `expected_both`: close to its mean by chance if many weights are kept."""
        return _ratio(self.expected_both, self.kept_a + self.kept_b - self.expected_both)


def overlap(a: MaskSet, b: MaskSet) -> dict[str, Overlap]:
    """Returns the overlap of two mask sets per variable, in path order.

    Raises:
        LotteryError: the masks belong to different variables.

    Example:
        >>> total(overlap(a, b).values()).jaccard
    """
    different = sorted(
        p for p in a.keys() | b.keys() if p not in a or p not in b or a[p].shape != b[p].shape
    )
    if different:
        raise LotteryError(
            "Expected two mask sets of the same variables. "
            f"Received: differences in {', '.join(different)}. Compare masks of one model."
        )
    return {path: _of_variable(a[path], b[path]) for path in sorted(a)}


def total(overlaps: Iterable[Overlap]) -> Overlap:
    """Returns the overlap over all variables; chance shuffles within each variable."""
    parts = list(overlaps)
    return Overlap(
        sum(o.size for o in parts),
        sum(o.kept_a for o in parts),
        sum(o.kept_b for o in parts),
        sum(o.both for o in parts),
        sum(o.expected_both for o in parts),
    )


def _of_variable(a: np.ndarray, b: np.ndarray) -> Overlap:
    kept_a, kept_b = int(np.count_nonzero(a)), int(np.count_nonzero(b))
    both = int(np.count_nonzero(a & b))
    return Overlap(a.size, kept_a, kept_b, both, kept_a * kept_b / a.size if a.size else 0.0)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 1.0
