"""Argument checks for public functions: each returns the value or raises an error."""

import math
import numbers
import operator
import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError, shortened

T = TypeVar("T")
MOST_SEED = 2**31 - 1
_LONGEST_NAME = 200
_SEPARATORS = frozenset("/\\:")


def whole_number(value: object, name: str, least: int = 0, most: int | None = None) -> int:
    """Returns an int; accepts NumPy integers but not bools.

    Raises:
        LotteryError: it has another type, or is out of range.
    """
    if (
        not isinstance(value, numbers.Integral)
        or isinstance(value, bool)
        or value < least
        or (most is not None and not value <= most)
    ):
        up_to = "" if most is None else f" up to {most}"
        raise _refused(f"{name}, a whole number from {least}{up_to}", value)
    return operator.index(value)


def seed(value: object, name: str = "seed") -> int:
    """Returns a seed as an int; see `whole_number`."""
    return whole_number(value, name, most=MOST_SEED)


def seeds(value: object) -> tuple[int, ...]:
    """Returns seeds as a tuple of ints; rejects a single number and repeated seeds.

    Raises:
        LotteryError: it is not a sequence of seeds, is empty, or has one twice.
    """
    if not isinstance(value, Collection) or isinstance(value, str | bytes | Mapping) or not value:
        raise _refused("seeds, a sequence of whole numbers such as (0, 1, 2)", value)
    whole = tuple(seed(item, "seeds") for item in value)
    if len(set(whole)) < len(whole):
        raise _refused("seeds, each of them once", value)
    return whole


def number(
    value: object, name: str, least: float | None = None, most: float | None = None
) -> float:
    """Returns a finite float; accepts any real number except a bool.

    Raises:
        LotteryError: it has another type, is not finite, or is out of range.
    """
    if (
        not isinstance(value, numbers.Real)
        or isinstance(value, bool)
        or not math.isfinite(value)
        or (least is not None and value < least)
        or (most is not None and not value <= most)
    ):
        bounds = [f"from {least}"] if least is not None else []
        bounds += [f"up to {most}"] if most is not None else []
        raise _refused(" ".join([f"{name}, a finite number", *bounds]), value)
    # 0.9 in half or single precision means 0.9: counts of weights are exact.
    return float(str(value)) if isinstance(value, np.floating) else float(value)


def fraction(value: object, name: str) -> float:
    """Returns a float from 0 to 1; see `number`. The error for a percentage has the fraction."""
    if isinstance(value, numbers.Real) and not value <= 1 and value <= 100:
        percent = float(value)
        advice = f"Write {percent / 100:g} for {percent:g} %."
        raise _refused(f"{name}, a finite number from 0 up to 1", value, advice)
    return number(value, name, least=0, most=1)


def truth(value: object, name: str) -> bool:
    """Returns a bool; accepts NumPy bools.

    Raises:
        LotteryError: it is anything else, such as 1 or "false".
    """
    if not isinstance(value, bool | np.bool_):
        raise _refused(f"{name}, True or False", value)
    return bool(value)


def text(value: object, name: str) -> str:
    """Returns a string.

    Raises:
        LotteryError: it is anything else.
    """
    if not isinstance(value, str):
        raise _refused(f"{name}, a string", value)
    return value


def names(value: object, name: str) -> tuple[str, ...]:
    """Returns a sequence of names as a tuple; rejects a single string.

    Raises:
        LotteryError: it is not a sequence, or holds anything but non-empty strings.
    """
    if (
        not isinstance(value, Collection)
        or isinstance(value, str | bytes | Mapping)
        or not all(isinstance(item, str) and item for item in value)
    ):
        raise _refused(f"{name}, a sequence of names such as ('first', 'second')", value)
    return tuple(value)


def patterns(value: object, name: str) -> tuple[str, ...]:
    """Returns path patterns as a tuple; one string is one pattern.

    Raises:
        LotteryError: it is neither, or a pattern is empty.
    """
    return names((value,) if isinstance(value, str) else value, name)


def file_path(value: object, name: str) -> Path:
    """Returns the path of a file or folder, with `~` expanded: a shell leaves it in `--out=~/a`.

    Raises:
        LotteryError: it is neither a string nor path-like, or empty, or names an unknown user.
    """
    if not isinstance(value, str | os.PathLike) or not str(value) or "\0" in str(value):
        raise _refused(f"{name}, the path of a file or folder", value)
    try:
        return Path(value).expanduser()
    except RuntimeError as error:
        raise _refused(f"{name}, a path in the home folder of a known user", value) from error


def instance(value: object, kind: type[T], name: str) -> T:
    """Returns a value of a class.

    Raises:
        LotteryError: it is of another class.
    """
    if not isinstance(value, kind):
        raise _refused(f"{name}, of class {kind.__name__}", value)
    return value


def finite_weights(weights: Mapping[str, NDArray[Any]], paths: Iterable[str]) -> None:
    """Raises LotteryError if a weight is NaN or infinite.

    Args:
        weights: by path.
        paths: the weights to check.
    """
    bad = [path for path in paths if not np.isfinite(weights[path]).all()]
    if bad:
        raise LotteryError(
            f"Expected finite weights. Received: NaN or infinity in {', '.join(bad[:3])}"
            f"{', ...' if len(bad) > 3 else ''}. Load weights from before the training diverged."
        )


def mask(value: object, path: str) -> NDArray[np.bool_]:
    """Returns the mask of a variable as booleans; accepts 0 and 1.

    Raises:
        LotteryError: it has other values.
    """
    array = np.asarray(value)
    if array.dtype != np.bool_ and not np.isin(array, (0, 1)).all():
        values = ", ".join(str(value) for value in np.unique(array)[:4])
        raise LotteryError(
            f"Expected a mask of {path!r} with True or 1 = kept and False or 0 = pruned. "
            f"Received: the values {values}, … of {array.dtype}. Pass, say, scores > threshold."
        )
    return array.astype(np.bool_, copy=False)


def is_path_name(name: str) -> bool:
    """Returns True if a file name built from `name` stays inside its folder."""
    return bool(
        name.strip(". ")
        and len(name) <= _LONGEST_NAME
        and name.isprintable()
        and not _SEPARATORS & set(name)
    )


def check_path_name(kind: str, name: str) -> str:
    """Returns `name` if it can be part of a file's name.

    Args:
        kind: what it names, for the error.
        name: the name.

    Raises:
        LotteryError: it is empty, too long, or could escape the folder.
    """
    if not is_path_name(name):
        raise LotteryError(
            f"Expected the name of {kind} without '/', '\\', ':' and control characters, of 1 to "
            f"{_LONGEST_NAME} characters that are not all dots. Received: {shortened(name)}. "
            "Choose another name, or correct the file that it was read from."
        )
    return name


def _refused(expected: str, value: object, advice: str = "Change it.") -> LotteryError:
    shown = repr(value)
    shown = shown if len(shown) <= 80 else f"{shown[:77]}..."
    shown = " ".join(shown.split())
    return LotteryError(
        f"Expected {expected}. Received: {shown} of type {type(value).__name__}. {advice}"
    )
