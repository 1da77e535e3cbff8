"""Counts of weights: decimal-exact rounding, and shares that add up exactly."""

from collections.abc import Sequence
from fractions import Fraction
from math import floor

Share = float | Fraction


def count(share: Share, size: int) -> int:
    """Returns floor(share × size), with `share` read as the decimal that it prints as.

    In binary, 0.29 × 100 is slightly below 29 and 3/7 × 7 slightly below 3, which nobody intends.
    So the count is k whenever `share` is the float nearest to k / size.

    Example:
        >>> count(0.29, 100), count(0.2, 99)
        (29, 19)
    """
    exact = share if isinstance(share, Fraction) else decimal(share)
    nearest = round(exact * size)
    return nearest if size and nearest / size == float(exact) else floor(exact * size)


def decimal(share: Share) -> Fraction:
    """Returns the shortest decimal that represents this float, as a fraction."""
    return share if isinstance(share, Fraction) else Fraction(repr(float(share)))


def share_out(
    total: int, weights: Sequence[int], lower: Sequence[int], upper: Sequence[int]
) -> list[int]:
    """Returns integer shares of `total`, proportional to `weights` and within bounds.

        x_i = clip(λ w_i, lower_i, upper_i),   λ such that Σ x_i = total

    rounded by largest remainder, with ties broken by order.

    Args:
        total: number to distribute, between Σ lower and Σ upper.
        weights: non-negative integers.
        lower: smallest share of each.
        upper: largest share of each.
    """
    exact = _proportional(total, weights, lower, upper)
    shares = [floor(x) for x in exact]
    remaining = total - sum(shares)
    by_remainder = sorted(range(len(exact)), key=lambda i: (shares[i] - exact[i], i))
    for i in by_remainder[:remaining]:
        shares[i] += 1
    return shares


def _proportional(
    total: int, weights: Sequence[int], lower: Sequence[int], upper: Sequence[int]
) -> list[Fraction]:
    """Solves for λ: clips all, and fixes the side on which clipping changes more."""
    exact = [Fraction(0)] * len(weights)
    free = set(range(len(weights)))
    while free:
        rest = total - sum(exact[i] for i in range(len(weights)) if i not in free)
        scale = sum(weights[i] for i in free)
        for i in free:
            exact[i] = rest * Fraction(weights[i], scale) if scale else Fraction(rest, len(free))
        low = {i for i in free if exact[i] < lower[i]}
        high = {i for i in free if exact[i] > upper[i]}
        if not low and not high:
            break
        missed = sum(lower[i] - exact[i] for i in low) + sum(upper[i] - exact[i] for i in high)
        fixed = (low if missed > 0 else high) if missed else low | high
        for i in fixed:
            exact[i] = Fraction(lower[i] if i in low else upper[i])
        free -= fixed
    return exact
