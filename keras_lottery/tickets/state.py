"""Arrays by name in one safetensors file: written whole or not at all, read or refused."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from keras_lottery.errors import LotteryError
from keras_lottery.files import write_whole
from keras_lottery.types import State

METADATA_KEY = "keras_lottery"


def save_state(
    path: str | PathLike[str], arrays: State, metadata: Mapping[str, Any] | None = None
) -> None:
    """Writes arrays of any shape and type; equal arrays and metadata give equal bytes.

    Args:
        path: the file; its folder is made.
        arrays: by name; scalars are arrays of shape ().
        metadata: what JSON can hold; stands under the key `keras_lottery`.

    Raises:
        LotteryError: the file cannot be written, or JSON cannot hold the metadata.
    """
    try:
        # One key alone: safetensors writes several in an order of its own each time.
        header = {METADATA_KEY: json.dumps(dict(metadata or {}), sort_keys=True)}
    except (TypeError, ValueError) as error:
        raise LotteryError(
            f"Expected metadata that JSON can hold. Received: {error}. "
            "Give numbers, strings, lists and dictionaries with string keys."
        ) from error
    stored = {name: _storable(value) for name, value in sorted(arrays.items())}

    def write(temporary: Path) -> None:
        try:
            save_file(stored, temporary, header)
        except SafetensorError as error:
            raise OSError(str(error)) from error

    write_whole(Path(path), write)


def load_state(path: str | PathLike[str], prefix: str = "") -> State:
    """Returns the arrays that `save_state` wrote, under their names.

    Args:
        prefix: only those whose names begin so; the others are not read.

    Raises:
        LotteryError: the file is missing, truncated or no such file.
    """
    with _opened(path) as file:
        names = [name for name in file.keys() if name.startswith(prefix)]  # noqa: SIM118
        return {name: file.get_tensor(name) for name in names}


def load_metadata(path: str | PathLike[str]) -> dict[str, Any]:
    """Returns the metadata that `save_state` wrote; the arrays are not read.

    Raises:
        LotteryError: as `load_state`, and where the file has none of our metadata.
    """
    with _opened(path) as file:
        text = (file.metadata() or {}).get(METADATA_KEY)
    try:
        metadata = json.loads(text or "")
    except ValueError as error:
        raise _unreadable(path, f"it has no metadata {METADATA_KEY!r} in JSON") from error
    if not isinstance(metadata, dict):
        raise _unreadable(path, f"its metadata {METADATA_KEY!r} are no JSON object")
    return metadata


@contextmanager
def _opened(path: str | PathLike[str]) -> Iterator[Any]:
    try:
        with safe_open(path, framework="np") as file:
            yield file
    except FileNotFoundError as error:
        raise LotteryError(
            f"Expected the file {path}. Received: no such file. Check the path."
        ) from error
    except (OSError, SafetensorError, KeyError, TypeError) as error:
        raise _unreadable(path, str(error)) from error


def _unreadable(path: str | PathLike[str], why: str) -> LotteryError:
    return LotteryError(
        f"Expected a file written by keras_lottery. Received: {path} ({why}). "
        "It may be truncated or of another program; make or copy it again."
    )


def _storable(value: Any) -> np.ndarray:
    """The format holds little-endian arrays in C order; `ascontiguousarray` would lose shape ()."""
    array = np.asarray(value, order="C")
    return array.astype(array.dtype.newbyteorder("<")) if array.dtype.byteorder == ">" else array
