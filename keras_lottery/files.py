"""Writing a file so that it is there whole or not at all."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from keras_lottery.errors import LotteryError


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Calls `write` on a temporary name beside `path`, then renames it to `path`.

    Raises:
        LotteryError: the folder cannot be made or written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    except OSError as error:
        raise LotteryError(
            f"Expected a folder that can be written to. Received: {path.parent} "
            f"({error.strerror}). Choose another with --out."
        ) from error
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        raise LotteryError(
            f"Expected to write {path}. Received: {error.strerror or error}. "
            "Free some space or choose another folder with --out."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes `text` to `path`, whole or not at all."""
    write_whole(path, lambda temporary: temporary.write_text(text))


def _umask() -> int:
    value = os.umask(0)
    os.umask(value)
    return value
