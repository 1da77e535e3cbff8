"""Places and limits on the axes of figures: levels, shifts of arms, and what is cut."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from keras_lottery.report.statistics import Level


def beside(index: int, of: int) -> float:
    """Returns the shift of an arm on an axis of counts, where arms would hide each other."""
    return 0.12 * (index - (of - 1) / 2)


def remaining_axis(axes: Axes, remaining: Sequence[float], label: bool = True) -> list[float]:
    """Makes the horizontal axis logarithmic, from 100 % on the left to sparse on the right.

    Returns:
        The fractions that have a tick.
    """
    marks = ticks([1.0, *remaining])
    low = min([1.0, *remaining])
    axes.set_xscale("log")
    axes.set_xlim(1.08, min(low / 1.15, 0.92))
    axes.xaxis.set_major_locator(FixedLocator(marks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks(marks, [f"{mark * 100:.3g}" for mark in marks])
    if label:
        axes.set_xlabel("weights remaining [%]", fontsize=9.5)
    return marks


def ticks(remaining: Sequence[float], most: int = 9) -> list[float]:
    """Returns at most `most` of the fractions, about evenly spaced on a logarithmic axis."""
    every = sorted({fraction for fraction in remaining if fraction > 0}, reverse=True)
    # Labels closer than half an even distance would overlap.
    apart = np.log(every[0] / every[-1]) / (most if len(every) > most else 2 * most)
    chosen = every[:1]
    for fraction in every[1:]:
        if np.log(chosen[-1] / fraction) >= apart - 1e-9:
            chosen.append(fraction)
    return chosen


_SAME_LEVEL = 0.05


def distinct_levels(by_arm: Mapping[str, Sequence[Level]], main: str | None) -> list[float]:
    """Returns the fractions remaining of all arms, those of one round once.

    Arms differ a little in what a round leaves, so fractions within 5 % of another are left out;
    those of the main arm stay.
    """
    chosen: list[float] = []
    for arm in sorted(by_arm, key=lambda arm: arm != main):
        for level in by_arm[arm]:
            if all(abs(np.log(level.remaining / other)) > _SAME_LEVEL for other in chosen):
                chosen.append(level.remaining)
    return chosen


def longest(by_arm: Mapping[str, Sequence[Level]]) -> list[float]:
    """Returns the fractions remaining of the arm with the most levels."""
    return [level.remaining for level in max(by_arm.values(), key=len, default=())]


def dodge(remaining: Sequence[float], index: int, of: int, levels: Sequence[float]) -> np.ndarray:
    """Returns positions shifted slightly per arm, so that error bars don't overlap.

    Args:
        remaining: the fractions of the arm's levels.
        index: number of the arm.
        of: number of arms.
        levels: fractions whose smallest distance bounds the shifts.
    """
    apart = np.diff(np.sort(np.unique(np.round(np.log([1.0, *levels]), 2))))
    gap = float(apart.min()) if len(apart) else 0.2
    shift = (index - (of - 1) / 2) / max(of, 1) * 0.45 * min(gap, 0.3)
    return np.asarray(remaining) * np.exp(-shift)


_FEW = 0.2
_HALF = 0.5
_FLAT = 0.2


def window(
    by_arm: Sequence[Sequence[float]],
    bars: Sequence[float] = (),
    higher_is_better: bool = True,
    shown: Sequence[float] = (),
) -> tuple[float, float, bool]:
    """Returns axis limits with which a collapsed value doesn't flatten everything else.

    The worse end is cut at eight times the distance between the best value and the median, unless
    more than a fifth of all values or half of an arm's are beyond it, or the others fill a fifth
    of the whole axis. Bars widen the axis by at most two fifths on either side.

    Args:
        by_arm: the means, arm by arm.
        bars: ends of their error bars.
        higher_is_better: direction of the values.
        shown: values that are never outside, those of the main arm.

    Returns:
        The lower and upper limit, and whether anything is outside.
    """
    sign = 1.0 if higher_is_better else -1.0
    arms = [sign * np.array([value for value in arm if np.isfinite(value)]) for arm in by_arm]
    data = np.concatenate([np.array([]), *arms])
    if not len(data):
        return 0.0, 1.0, False
    best, middle, worst = data.max(), float(np.median(data)), data.min()
    bottom = min([best - 8 * (best - middle), *(sign * np.array(shown))])
    few = float(np.mean(data < bottom)) <= _FEW
    few &= all(float(np.mean(arm < bottom)) <= _HALF for arm in arms if len(arm))
    flat = best - data[data >= bottom].min() < _FLAT * (best - worst)
    cut = bool(few and flat and middle < best and worst < bottom - 0.5 * (best - bottom))
    bottom = bottom if cut else worst
    span = best - bottom or 0.01 * (abs(best) or 1.0)
    ends = np.array([*data, *(sign * np.array(bars))], dtype=float)
    ends = ends[np.isfinite(ends)]
    top = min(ends.max(), best + 0.4 * span) + 0.06 * span
    if not cut:
        bottom = max(ends.min(), bottom - 0.4 * span) - 0.06 * span
    low, high = sorted((float(sign * top), float(sign * bottom)))
    return low, high, bool(ends.max() > top or ends.min() < bottom)


_CONTRAST = 10
"""Largest difference ÷ end of the linear part from which on an axis is logarithmic."""


def contrast_axis(
    axes: Axes, values: Sequence[float], bars: Sequence[float], seeds: Sequence[float]
) -> tuple[float | None, bool]:
    """Sets the limits of an axis of differences, on which neither means nor seeds are outside.

    If the largest difference is far above the median one, the axis is linear around 0 and
    logarithmic beyond.

    Args:
        axes: the panel.
        values: the means.
        bars: ends of their error bars.
        seeds: the differences of single seeds.

    Returns:
        The end of the linear part, None if all of the axis is linear; and whether bars are cut off.
    """
    sizes = np.abs([value for value in values if np.isfinite(value) and value])
    inside = np.array([0.0, *values, *seeds], dtype=float)
    inside = inside[np.isfinite(inside)]
    low, high = float(inside.min()), float(inside.max())
    ends = [low, high, *(end for end in bars if np.isfinite(end))]
    usual = np.median(sizes) if len(sizes) else 1.0
    linear = float(10.0 ** np.ceil(np.log10(usual) - 1e-9))
    if sizes.max(initial=0.0) < _CONTRAST * linear:
        span = (high - low) or 0.01
        below = max(min(ends), low - 0.4 * span) - 0.06 * span
        above = min(max(ends), high + 0.4 * span) + 0.06 * span
        axes.set_ylim(below, above)
        return None, min(ends) < below or max(ends) > above
    axes.set_yscale("symlog", linthresh=linear)
    powers = linear * 10.0 ** np.arange(
        0, 1 + np.ceil(np.log10(np.abs([min(ends), max(ends)]).max() / linear))
    )
    marks = sorted({0.0, *(-powers), *powers})
    axes.set_yticks(marks, [f"{mark:g}".replace("-", "−") for mark in marks])
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylim(min(1.4 * min(ends), -0.6 * linear), max(1.4 * max(ends), 0.6 * linear))
    return linear, False
