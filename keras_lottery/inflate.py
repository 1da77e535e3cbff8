"""Reading compressed files, with a guard against decompression bombs."""

import gzip
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError

GZIP = b"\x1f\x8b"
MOST_BYTES = 2**30
MOST_RATIO = 100
"""Data that inflate to more than `MOST_BYTES` and `MOST_RATIO` times their size are a bomb."""

_CHUNK = 2**20


def check_inflated(path: Path, stored: int, inflated: int) -> None:
    """Raises LotteryError if a file inflates to implausibly many bytes.

    Args:
        path: of the file, for the error.
        stored: compressed size in bytes, of the file or a member.
        inflated: size in bytes that it declares, or that was inflated so far.
    """
    if inflated > MOST_BYTES and inflated > MOST_RATIO * stored:
        raise LotteryError(
            f"Expected a compressed file of data. Received: {path}, where {stored} bytes "
            f"decompress to {inflated} or more: possibly a decompression bomb. If you trust it, "
            "store it without compression."
        )


def check_zip(path: Path) -> None:
    """Raises LotteryError if a zip file, or a member of it, declares an implausible size.

    Other files pass: their reader raises. Readers stop at the declared size.
    """
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as file:
        members = file.infolist()
    for member in members:
        check_inflated(path, member.compress_size, member.file_size)
    check_inflated(path, sum(m.compress_size for m in members), sum(m.file_size for m in members))


def is_zip(path: Path) -> bool:
    """Returns whether a file is a zip file, which one that was cut short isn't.

    Raises:
        OSError: it is missing, or can't be read.
    """
    with path.open("rb") as file:
        return zipfile.is_zipfile(file)


def read_npz(path: Path, advice: str) -> dict[str, NDArray[Any]]:
    """Returns the arrays of an `.npz` file by name; nothing in it is unpickled.

    Args:
        path: the file.
        advice: what to do if it can't be read.

    Raises:
        LotteryError: it is missing, damaged or of another kind, or inflates to implausibly many
            bytes.
    """
    try:
        check_zip(path)
        if path.is_dir():
            raise OSError("a folder")
        if not is_zip(path):
            raise OSError("damaged, or a file of another kind")
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except LotteryError:
        raise
    except FileNotFoundError:
        problem = "none there"
    except Exception as error:  # NumPy, zipfile and its decompressors raise many types
        problem = " ".join(str(error).split()) or type(error).__name__
        if "allow_pickle" in problem:
            problem = "arrays of Python objects, which are not read"
    raise LotteryError(f"Expected an .npz file of arrays at {path}. Received: {problem}. {advice}")


def read_plain(path: Path) -> bytes:
    """Returns the bytes of a file, inflated if they are gzipped, whatever its name.

    Raises:
        LotteryError: they inflate to implausibly many bytes.
        OSError, EOFError, zlib.error: the file cannot be read, or is damaged.
    """
    raw = path.read_bytes()
    if not raw.startswith(GZIP):
        return raw
    plain = io.BytesIO()
    with gzip.GzipFile(fileobj=io.BytesIO(raw)) as file:
        while chunk := file.read(_CHUNK):
            plain.write(chunk)
            check_inflated(path, len(raw), plain.tell())
    return plain.getvalue()
