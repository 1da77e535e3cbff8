"""Size bounds from the theory of strong tickets, up to constants; needs only NumPy.

Reference:
    Natale et al. 2024, "On the Sparsity of the Strong Lottery Ticket Hypothesis".
"""

import math

from keras_lottery.errors import LotteryError


def binary_entropy(share: float) -> float:
    """Returns H₂(p) = -p log₂ p - (1 - p) log₂(1 - p), in bits.

    Raises:
        LotteryError: p is not above 0 and below 1.
    """
    check_density(share)
    return -share * math.log2(share) - (1 - share) * math.log2(1 - share)


def check_density(density: float) -> None:
    """Raises LotteryError unless the kept fraction k/n is above 0 and below 1."""
    if not 0 < density < 1:
        raise LotteryError(
            f"Expected a density, the kept fraction k/n, above 0 and below 1. Received: {density}. "
            "Keep some of the candidates, and not all."
        )


def subset_scale(k: float, density: float, error: float) -> float:
    """Returns log₂(k/ε) / H₂(k/n), the growth of n in Theorem 2, without its constant."""
    return math.log2(k / error) / binary_entropy(density)


def ratio(n: int, k: int, error: float) -> float:
    """Returns ρ = n · H₂(k/n) / log₂(k/ε): candidates over the growth rate of Theorem 2."""
    return n / subset_scale(k, k / n, error)


def error_at(n: int, k: int, rho: float) -> float:
    """Returns the ε at which `ratio(n, k, ε)` is ρ."""
    return float(k * 2.0 ** (-n * binary_entropy(k / n) / rho))


def network_scale(
    layers: int, fan_in: int, fan_out: int, density: float, n: float, error: float
) -> float:
    """Returns log₂²(2ℓ d_{i-1} d_i γ n/ε) / H₂(γ), the growth of n* in Theorem 3.

    Args:
        layers: ℓ, layers of the target.
        fan_in: d_{i-1}, inputs of a target layer.
        fan_out: d_i, its outputs.
        density: γ, the kept fraction.
        n: n*, candidates per weight and sign.
        error: ε, the largest output error.
    """
    inside = 2 * layers * fan_in * fan_out * density * n / error
    return math.log2(inside) ** 2 / binary_entropy(density)


def lower_bound(weights: int, kept: float, density: float, error: float) -> float:
    """Returns (d²/2) · log₂(k/ε) / H₂(k/n), the parameters needed to reach all targets.

    Theorem 5 is about linear maps of d inputs and d outputs; using the number of a target layer's
    weights for d² is ours.

    Args:
        weights: d², weights of the target.
        kept: k, kept parameters of the random network.
        density: k/n.
        error: ε, below 1/16.
    """
    return weights / 2 * subset_scale(kept, density, error)
