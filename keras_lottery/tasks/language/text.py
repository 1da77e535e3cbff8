"""Lines of text files, plain or gzipped, by path."""

import zlib
from pathlib import Path

from keras_lottery.checks import file_path
from keras_lottery.errors import LotteryError
from keras_lottery.inflate import read_plain


def text_path(folder: str, name: str, field: str) -> Path:
    """Returns the path of a text file that a config names.

    Args:
        folder: folder of the data sets; empty: the current folder.
        name: of the file, relative to `folder`, or absolute.
        field: of the config that names it, for the error.

    Raises:
        LotteryError: no name is given, or there is no such file.
    """
    if not name:
        raise LotteryError(f"Expected the path of a text file in {field}. Received: none. Set it.")
    path = file_path(Path(folder, name), field)
    if not path.is_file():
        raise LotteryError(
            f"Expected a text file at {path}. Received: {_instead(path)}. "
            f"Set {field} (and data.dir)."
        )
    return path


def read_lines(path: Path) -> list[str]:
    """Returns the lines of a text file without line endings; detects gzip whatever its name.

    Only line feeds end lines, so that pairs of files stay aligned.

    Args:
        path: a file in UTF-8.

    Raises:
        LotteryError: it can't be read, isn't UTF-8, is truncated, or is empty.
    """
    try:
        text = read_plain(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise LotteryError(
            f"Expected UTF-8 text in {path}. Received: an invalid byte at offset {error.start}. "
            "Convert the file to UTF-8."
        ) from error
    except (OSError, EOFError, zlib.error) as error:
        raise LotteryError(
            f"Expected a whole text file at {path}, plain or gzipped. "
            f"Received: {type(error).__name__} ({error}). Copy it again."
        ) from error
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    if not text.strip():
        raise LotteryError(
            f"Expected text in {path}. Received: an empty file. Give one with at least one line."
        )
    return lines


def _instead(path: Path) -> str:
    if path.is_dir():
        return "a folder"
    if not path.parent.is_dir():
        return f"no folder {path.parent}"
    near = sorted(p.name for p in path.parent.iterdir() if p.is_file())[:8]
    return f"nothing there (next to it: {', '.join(near) or 'no files'})"
