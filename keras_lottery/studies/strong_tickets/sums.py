"""Success rates of random subset sums, and errors of single weights."""

import math
from collections.abc import Iterator

import numpy as np

from keras_lottery.studies.strong_tickets.bounds import error_at
from keras_lottery.studies.strong_tickets.gadget import gadget
from keras_lottery.studies.strong_tickets.options import StrongTicketsOptions
from keras_lottery.studies.strong_tickets.rows import GadgetRow, TransitionRow
from keras_lottery.studies.strong_tickets.subset_sum import SubsetSums


def sizes(options: StrongTicketsOptions) -> Iterator[tuple[int, int]]:
    """Yields every (n, k) of the sums: k is the whole number nearest to n · density."""
    for n in options.sums:
        for density in options.densities:
            yield n, min(max(1, round(n * density)), n - 1)


def transition(n: int, k: int, options: StrongTicketsOptions) -> list[TransitionRow]:
    """Returns the success rates of k of n numbers, one row per target and ratio.

    All targets use the same draws; success at some ε implies success at any larger one.
    """
    targets = np.array(options.targets) * math.sqrt(k)
    results = [
        SubsetSums(np.random.default_rng([n, k, draw]).uniform(-1, 1, n), k).nearest(k, targets)
        for draw in range(options.sum_draws)
    ]
    nearest = np.stack([result.errors for result in results])
    rows = []
    for place, share in enumerate(options.targets):
        for rho in options.ratios:
            error = error_at(n, k, rho)
            hits = int((nearest[:, place] < error).sum())
            rows.append(TransitionRow(n, k, share, rho, error, len(nearest), hits))
    return rows


def gadgets(n: int, k: int, options: StrongTicketsOptions) -> GadgetRow:
    """Returns the errors of single weights with n candidates of either sign, k of them kept."""
    errors = []
    for draw in range(options.gadget_draws):
        rng = np.random.default_rng([n, k, draw, 1])
        a = rng.uniform(-1, 1, 2 * n)
        b = rng.uniform(0, 1, 2 * n) * np.repeat([1, -1], n)
        errors.append(gadget(a, b, float(rng.uniform(-1, 1)), k).error)
    median, ninety = np.quantile(errors, [0.5, 0.9])
    return GadgetRow(n, k, len(errors), float(median), float(ninety))
