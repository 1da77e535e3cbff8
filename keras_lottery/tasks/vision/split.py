"""Splits that are the same on every machine and keep the share of every class."""

import numpy as np
from numpy.typing import NDArray


def stratified_order(labels: NDArray[np.int32], seed: int) -> NDArray[np.intp]:
    """Returns an order of the examples in which every prefix has the classes in their shares.

    An example's place is its rank among its class in a random order, divided by the size of the
    class; of `n` examples with classes of equal size, the first `n / 2` hold half of each.

    Args:
        labels: `(examples,)`.
        seed: seeds the random order.

    Returns:
        Indices `(examples,)`, a permutation.
    """
    # RandomState and not Generator: NumPy promises that its stream never changes.
    shuffled = np.random.RandomState(seed).permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    counts = np.bincount(labels)
    ranks = np.concatenate([np.arange(count) for count in counts])
    sizes = np.repeat(counts, counts)
    return by_class[np.argsort((ranks + 0.5) / sizes, kind="stable")]
