"""Arrays by name in one safetensors file, written atomically and checked when read."""

import hashlib
import json
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from keras_lottery.errors import LotteryError, shortened
from keras_lottery.files import write_whole
from keras_lottery.types import State

METADATA_KEY = "keras_lottery"
_CHECKSUMS = "checksums"
_LONGEST_HEADER = 32 * 2**20
# What safetensors reads back into NumPy; it writes float8, too.
_TYPES = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
          "bfloat16", "float16", "float32", "float64", "complex64")  # fmt: skip


class Stored(NamedTuple):
    """The contents of a file.

    Args:
        arrays: arrays by name.
        metadata: the metadata passed to `save_state`; None if this package didn't write any.
        is_checked: True if the checksums match; False for older versions, which wrote none.
    """

    arrays: State
    metadata: dict[str, Any] | None
    is_checked: bool


def save_state(
    path: str | PathLike[str], arrays: State, metadata: Mapping[str, Any] | None = None
) -> None:
    """Writes arrays of any shape; equal arrays and metadata give equal bytes.

    Args:
        path: the file; its folder is created.
        arrays: arrays by name, of booleans or numbers; scalars are arrays of shape ().
        metadata: JSON values, stored under the key `keras_lottery` with checksums.

    Raises:
        LotteryError: the file cannot be written, an array has a type that couldn't be read again,
            such as float8, or the metadata are not JSON values.
    """
    stored = {name: _storable(name, value) for name, value in sorted(arrays.items())}
    entries = dict(metadata or {})
    try:
        # A round trip, since JSON changes some values: tuples become lists, for example.
        entries = json.loads(json.dumps(entries, default=_number))
        sums = {name: _checksum(array) for name, array in stored.items()}
        entries[_CHECKSUMS] = {"arrays": sums, "metadata": _metadata_checksum(entries, sums)}
        # A single key: safetensors writes several in a random order.
        header = {METADATA_KEY: json.dumps(entries, sort_keys=True)}
    except (TypeError, ValueError) as error:
        raise LotteryError(
            f"Expected metadata that JSON can hold. Received: {error}. "
            "Use numbers, strings, lists and dictionaries with string keys."
        ) from error

    def write(temporary: Path) -> None:
        try:
            save_file(stored, temporary, header)
        except SafetensorError as error:
            raise OSError(str(error)) from error

    write_whole(Path(path), write)


def _number(value: Any) -> Any:
    """Returns a NumPy number as Python's.

    Raises:
        TypeError: it is something else.
    """
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} {value!r}")


def read_stored(path: str | PathLike[str], prefix: str = "") -> Stored:
    """Returns the arrays and metadata that `save_state` wrote, after comparing checksums.

    Args:
        path: the file.
        prefix: reads only arrays whose names start with it.

    Raises:
        LotteryError: the file is missing, truncated, changed, or in another format.
    """
    with _opened(path) as file:
        metadata = _metadata(path, (file.metadata() or {}).get(METADATA_KEY))
        names = sorted(file.keys())
        arrays = {name: file.get_tensor(name) for name in names if name.startswith(prefix)}
    sums = metadata.pop(_CHECKSUMS, None) if metadata else None
    if sums is None:
        return Stored(arrays, metadata, is_checked=False)
    _compare(path, sums, metadata or {}, arrays, names)
    return Stored(arrays, metadata, is_checked=True)


def load_state(path: str | PathLike[str], prefix: str = "") -> State:
    """Returns the arrays that `save_state` wrote, by name.

    Args:
        path: the file.
        prefix: reads only arrays whose names start with it.

    Raises:
        LotteryError: see `read_stored`.
    """
    return read_stored(path, prefix).arrays


def load_metadata(path: str | PathLike[str]) -> dict[str, Any]:
    """Returns the metadata that `save_state` wrote, without reading the arrays.

    Raises:
        LotteryError: see `read_stored`; also if the file has no metadata of this package.
    """
    with _opened(path) as file:
        metadata = _metadata(path, (file.metadata() or {}).get(METADATA_KEY))
    if metadata is None:
        raise no_metadata(path)
    metadata.pop(_CHECKSUMS, None)
    return metadata


def no_metadata(path: str | PathLike[str]) -> LotteryError:
    """Returns the error for a file without metadata of this package."""
    return _unreadable(path, f"it has no metadata {METADATA_KEY!r} in JSON")


def _metadata(path: str | PathLike[str], text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        metadata = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise no_metadata(path) from error
    if not isinstance(metadata, dict):
        raise _unreadable(path, f"its metadata {METADATA_KEY!r} are not a JSON object")
    return metadata


def _compare(
    path: str | PathLike[str],
    sums: Any,
    metadata: Mapping[str, Any],
    arrays: State,
    names: list[str],
) -> None:
    """Raises LotteryError if a checksum doesn't match."""
    sums = sums if isinstance(sums, dict) else {}
    of_arrays = sums.get("arrays")
    if not isinstance(of_arrays, dict) or sorted(of_arrays) != names:
        raise _changed(path, "its metadata")
    if sums.get("metadata") != _metadata_checksum(metadata, of_arrays):
        raise _changed(path, "its metadata")
    for name, array in arrays.items():
        if of_arrays[name] != _checksum(array):
            raise _changed(path, name)


def _metadata_checksum(metadata: Mapping[str, Any], sums: Mapping[str, Any]) -> str:
    return _digest(json.dumps([metadata, sums], sort_keys=True).encode())


def _checksum(array: np.ndarray) -> str:
    return _digest(f"{array.dtype}{array.shape}".encode(), array.reshape(-1).view(np.uint8))


def _digest(*parts: Any) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


@contextmanager
def _opened(path: str | PathLike[str]) -> Iterator[Any]:
    try:
        _check_header(path)
        with safe_open(path, framework="np") as file:
            yield file
    except LotteryError:
        raise
    except FileNotFoundError as error:
        raise LotteryError(
            f"Expected the file {path}. Received: no such file. Check the path."
        ) from error
    except (OSError, SafetensorError, MemoryError, RecursionError) as error:
        raise _unreadable(path, str(error)) from error
    # NumPy rejects types and shapes that safetensors accepts, with various errors.
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise _unreadable(path, str(error)) from error


def _check_header(path: str | PathLike[str]) -> None:
    """Raises LotteryError if the header claims more bytes than the file has, before reading it."""
    with open(path, "rb") as file:
        first = file.read(8)
        size = file.seek(0, 2)
    length = struct.unpack("<Q", first)[0] if len(first) == 8 else size
    if length > size - 8:
        raise _unreadable(path, f"its header claims more than its {size} bytes")
    if length > _LONGEST_HEADER:
        raise _unreadable(path, f"its header claims {length} bytes")


def _changed(path: str | PathLike[str], part: str) -> LotteryError:
    return LotteryError(
        f"Expected an unmodified file. Received: {path}, in which {shortened(part)} "
        "has changed since keras_lottery wrote it. Restore it from a backup, or create it again."
    )


def _unreadable(path: str | PathLike[str], why: str) -> LotteryError:
    return LotteryError(
        f"Expected a file written by keras_lottery. Received: {path} ({why[:300]}). "
        "It may be truncated or from another program; create or copy it again."
    )


def _storable(name: str, value: Any) -> np.ndarray:
    """The format takes little-endian arrays in C order; `ascontiguousarray` would lose shape ()."""
    array = np.asarray(value, order="C")
    if array.dtype.name not in _TYPES:
        raise LotteryError(
            f"Expected {shortened(name)} to be of one of the types {', '.join(_TYPES)}. "
            f"Received: {array.dtype.name}. Convert it, or leave it out."
        )
    return array.astype(array.dtype.newbyteorder("<")) if array.dtype.byteorder == ">" else array
