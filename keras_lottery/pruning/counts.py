"""Counts of weights: those of a share, rounded decimal-exactly, and those that masks keep."""

from collections.abc import Sequence
from fractions import Fraction
from math import floor

import numpy as np

from keras_lottery.errors import LotteryError
from keras_lottery.types import MaskSet, VariableInfo

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


def full_masks(infos: Sequence[VariableInfo]) -> MaskSet:
    """Returns an all-ones mask for each prunable variable."""
    return {
        info.path: np.ones(info.shape, np.bool_)
        for info in sorted(infos, key=lambda info: info.path)
        if info.prunable
    }


def kept(masks: MaskSet) -> int:
    """Returns the number of weights that the masks keep."""
    return sum(int(np.count_nonzero(mask)) for mask in masks.values())


def sparsity(masks: MaskSet) -> float:
    """Returns the fraction removed of all masked weights; 0 without masks."""
    size = sum(mask.size for mask in masks.values())
    return (size - kept(masks)) / size if size else 0.0


def densities(masks: MaskSet) -> dict[str, float]:
    """Returns the fraction kept of each variable, in path order."""
    return {
        p: kept({p: mask}) / mask.size if mask.size else 1.0 for p, mask in sorted(masks.items())
    }


def complete_masks(masks: MaskSet, infos: Sequence[VariableInfo]) -> MaskSet:
    """Returns `masks`, completed with all-ones masks for the other prunable variables.

    Raises:
        LotteryError: a mask is not boolean, has the wrong shape, or belongs to no variable.
    """
    shapes = {info.path: info.shape for info in infos}
    for path, mask in sorted(masks.items()):
        if path not in shapes:
            raise LotteryError(
                f"Expected masks of the model's variables. Received: a mask for {path}, which "
                "doesn't exist. Pass masks made for this model."
            )
        if mask.dtype != np.bool_ or mask.shape != tuple(shapes[path]):
            raise LotteryError(
                f"Expected a boolean mask of shape {tuple(shapes[path])} for {path}. "
                f"Received: {mask.dtype} of shape {mask.shape}. Pass masks made for this model."
            )
    missing = [info for info in infos if info.path not in masks]
    return {**masks, **full_masks(missing)}
