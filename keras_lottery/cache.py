"""The on-disk cache of decoded data sets and compiled programs, and its folder.

It is in `~/.cache/keras_lottery`, or in the folder that KERAS_LOTTERY_CACHE names; an empty value
disables it. It is safe to delete.
"""

import hashlib
import json
import os
import platform
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from keras_lottery.checks import file_path
from keras_lottery.errors import LotteryError
from keras_lottery.files import write_whole

Arrays = dict[str, NDArray[Any]]

_VARIABLE = "KERAS_LOTTERY_CACHE"
_LAYOUT = 1
_MOST_BYTES = 4 * 2**30
_PROGRAMS = 2**30


def folder() -> Path | None:
    """Returns the cache folder; None if the cache is disabled.

    Raises:
        LotteryError: KERAS_LOTTERY_CACHE names the home folder of an unknown user.
    """
    named = os.environ.get(_VARIABLE)
    if named == "":
        return None
    if named is not None:
        return file_path(named, _VARIABLE)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "keras_lottery"
    except RuntimeError:  # a user without a home folder, as in containers
        return None


def keep_programs() -> None:
    """Turns on JAX's compilation cache, unless the user configured one, before JAX's import."""
    root = folder()
    if root is None or "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return
    # A home folder may be shared by machines whose CPUs differ.
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(root / "jax" / (platform.node() or "local"))
    os.environ.setdefault("JAX_COMPILATION_CACHE_MAX_SIZE", str(_PROGRAMS))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")


def decoded(source: Path, key: Mapping[str, Any], read: Callable[[], Arrays]) -> Arrays:
    """Returns the arrays that `read` decodes from the files in `source`, cached.

    Arrays from the cache are memory-mapped and read-only, so that processes share them.

    Args:
        source: the folder of the files; if one changes, they are decoded again.
        key: everything else that the arrays depend on; JSON values.
        read: returns the arrays by name.
    """
    root = folder()
    if root is None:
        return read()
    place = root / "data" / f"{source.parent.name}-{_digest(source, key)}"
    if (cached := _load(place)) is not None:
        return cached
    with _alone(place):  # the first process decodes, the others wait for it
        if (cached := _load(place)) is not None:
            return cached
        return _read_and_save(place, read)


def _read_and_save(place: Path, read: Callable[[], Arrays]) -> Arrays:
    arrays = read()
    if sum(array.nbytes for array in arrays.values()) <= _MOST_BYTES:
        try:
            _save(place, arrays)
        except LotteryError as error:
            warnings.warn(f"The decoded data set is not cached: {error}", stacklevel=4)
    return arrays


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Holds a lock next to a folder; does without one if the cache can't be written to."""
    lock = FileLock(place.with_name(f"{place.name}.lock"))
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError:
        yield
        return
    try:
        yield
    finally:
        lock.release()


def _digest(source: Path, key: Mapping[str, Any]) -> str:
    files = [
        (str(path.relative_to(source)), path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted(source.rglob("*"))
        if path.is_file()
    ]
    text = json.dumps([_LAYOUT, str(source.absolute()), files, dict(key)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _load(place: Path) -> Arrays | None:
    """Returns the arrays of a folder; None if it is incomplete."""
    try:
        names = json.loads((place / "names.json").read_text())
        return {n: np.load(place / f"{n}.npy", mmap_mode="r", allow_pickle=False) for n in names}
    except (OSError, EOFError, ValueError, TypeError):
        return None


def _save(place: Path, arrays: Arrays) -> None:
    for name, array in arrays.items():
        write_whole(place / f"{name}.npy", partial(_write, array))
    # Written last: its presence means that the others are complete.
    write_whole(place / "names.json", lambda to: to.write_text(json.dumps(list(arrays))))


def _write(array: NDArray[Any], to: Path) -> None:
    with to.open("wb") as file:
        np.save(file, array, allow_pickle=False)
