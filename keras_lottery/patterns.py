"""Path patterns: matching, and the error for a pattern that matches nothing."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from keras_lottery.errors import LotteryError

__all__ = ["check_matches", "matches"]


def matches(paths: Iterable[str], patterns: Sequence[str]) -> str:
    """Returns the first pattern that matches one of the paths, or an empty string.

    `*/x/*` also matches a path that starts with `x/`. A name with brackets matches itself.
    """
    paths = tuple(paths)
    for pattern in patterns:
        if pattern in paths or any(
            fnmatchcase(path, pattern) or fnmatchcase(f"/{path}", pattern) for path in paths
        ):
            return pattern
    return ""


def check_matches(option: str, patterns: Sequence[str], known: Sequence[Iterable[str]]) -> None:
    """Checks that each pattern matches something.

    Args:
        option: name of the option that holds the patterns.
        patterns: path patterns.
        known: for each variable or layer, its paths, the structural one first.

    Raises:
        LotteryError: a pattern matches nothing.
    """
    places = [tuple(paths) for paths in known]
    for pattern in patterns:
        if any(matches(paths, (pattern,)) for paths in places):
            continue
        near = _near(pattern, places)
        names = ", ".join(map(repr, near or [paths[0] for paths in places[:8]]))
        raise LotteryError(
            f"Expected {option} to match the path of a variable or the name of a layer. "
            f"Received: {pattern!r}, which matches nothing. "
            + (f"Did you mean {names}?" if near else f"There are {names or 'no variables'}.")
        )


def _near(pattern: str, known: Sequence[tuple[str, ...]]) -> list[str]:
    """Returns the paths that are similar to a pattern, or share a similar part with it."""
    everything = list(dict.fromkeys(path for paths in known for path in paths))
    if near := get_close_matches(pattern.strip("*/"), everything, n=3, cutoff=0.7):
        return near
    parts = {part for path in everything for part in path.split("/")}
    wanted = [part.strip("*") for part in pattern.split("/") if part.strip("*")]
    close = {c for part in wanted for c in get_close_matches(part, parts, n=3, cutoff=0.7)}
    return [path for path in everything if close & set(path.split("/"))][:3]
