"""Names that become part of a path: of arms, sources, tasks, tables and experiments."""

from keras_lottery.errors import LotteryError
from keras_lottery.text import shortened

_LONGEST = 200
_SEPARATORS = frozenset("/\\:")


def is_path_name(name: str) -> bool:
    """Returns True for a name that stays inside its folder as part of a file's name."""
    return bool(
        name.strip(". ")
        and len(name) <= _LONGEST
        and name.isprintable()
        and not _SEPARATORS & set(name)
    )


def check_path_name(kind: str, name: str) -> str:
    """Returns `name` if it can be part of a file's name.

    Args:
        kind: what it names, for the error.
        name: the name.

    Raises:
        LotteryError: it is empty, too long, or could lead out of the folder.
    """
    if not is_path_name(name):
        raise LotteryError(
            f"Expected the name of {kind} without '/', '\\', ':' and control characters, of 1 to "
            f"{_LONGEST} characters that are not all dots. Received: {shortened(name)}. "
            "Choose another name, or correct the file that it was read from."
        )
    return name
