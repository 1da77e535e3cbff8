"""Text from outside, shown so that it can't control the terminal that it is printed to."""

import unicodedata

_KEPT = "\n\t"


def printable(text: str) -> str:
    """Returns the text with its control characters written out, such as `\\x1b`.

    Line feeds, tabs and every kind of space stay; escape sequences, NUL, surrogates and the
    characters that reverse the direction of writing don't.
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
