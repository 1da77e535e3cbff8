"""The one error that tells a user what to change, and text that is safe to print in it."""

import re
import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches

_KEPT = "\n\t"
_COLOR = re.compile("\x1b\\[[0-9;]*m")
_LAYER_RAISED = "Exception encountered when calling"


class LotteryError(ValueError):
    """A mistake in the user's input: what was expected, what was received, what to do.

    The command line prints it as one line and exits with code 2. Control characters in the received
    value are escaped, so that a file can't send escape sequences to the terminal.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(printable(message))


class DivergedError(LotteryError):
    """A loss, or its derivative, is infinite or not a number."""


class MissingExtraError(LotteryError, ImportError):
    """A package of an optional extra is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"This needs the package `{package}`, which is not installed. {to_install(extra)}"
        )


def to_install(extra: str) -> str:
    """Returns how to install an extra, or a backend. The package isn't on PyPI."""
    return f"In a clone of keras_lottery, run: pip install '.[{extra}]'"


def unknown_name(kind: str, received: object, known: Iterable[str]) -> LotteryError:
    """Returns the error for an unknown name: similar names first, then all known ones.

    For a registry, it also says how to add a name.
    """
    remedy = getattr(known, "remedy", "")
    known = sorted(known)
    near = get_close_matches(received, known, n=3) if isinstance(received, str) else []
    hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    return LotteryError(
        f"Expected the name of a known {kind}. Received: {received!r}.{hint} "
        f"Known: {', '.join(known) or 'none'}." + (f" {remedy}" if remedy else "")
    )


def printable(text: str) -> str:
    """Returns the text with its control characters escaped, such as `\\x1b`.

    Line feeds, tabs and all kinds of space stay; escape sequences, NUL, surrogates and the
    characters that override the text direction don't.
    """
    return "".join(c if _is_shown(c) else c.encode("unicode_escape").decode() for c in text)


def shortened(text: str, most: int = 80) -> str:
    """Returns the printable text in quotes, cut after `most` characters."""
    cut = text if len(text) <= most else f"{text[:most]}…"
    return f"'{printable(cut)}'"


def _is_shown(character: str) -> bool:
    if character in _KEPT or character.isprintable():
        return True
    return unicodedata.category(character) == "Zs"


def reason_of(error: Exception) -> str:
    """Returns the first line of an error's message, or its class name if it has none.

    Where Keras says which layer raised an error, that is the line after it.
    """
    text = _COLOR.sub("", str(error))
    lines = [line for line in text.splitlines() if line.strip()] or [type(error).__name__]
    reason = lines[1] if lines[1:] and lines[0].startswith(_LAYER_RAISED) else lines[0]
    return f"{reason.strip()[:200].rstrip('.')}."
