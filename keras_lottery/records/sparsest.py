"""The sparsest level that is as good as the dense network."""

from collections.abc import Mapping, Sequence

import numpy as np


def sparsest_match(
    dense: Sequence[float], levels: Mapping[int, tuple[float, float]], higher_is_better: bool
) -> int | None:
    """Returns the round with the fewest weights whose mean is within one sd of dense.

    Means better than dense count, too.

    Args:
        dense: value of the dense network for each seed.
        levels: round -> (fraction of weights remaining, mean value).
        higher_is_better: direction of the value.

    Returns:
        The round; None if there is no such level, or if fewer than two dense networks leave the
        standard deviation (n - 1) unknown.
    """
    if len(dense) < 2:
        return None
    sign, mean, sd = 1 if higher_is_better else -1, np.mean(dense), np.std(dense, ddof=1)
    good = [r for r, (_, value) in levels.items() if sign * (value - mean) >= -sd]
    return min(good, key=lambda number: levels[number][0], default=None)
