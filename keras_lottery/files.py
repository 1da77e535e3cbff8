"""Atomic file writes that survive a kill or a power cut."""

import errno
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from keras_lottery.errors import LotteryError

try:
    import fcntl
except ImportError:  # Windows: temporary files are not swept
    fcntl = None  # type: ignore[assignment]

PREFIX = ".lottery-"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_TEMPORARY = f"{PREFIX}*.tmp"
# Errors of systems that cannot flush a folder, or a file on this disk.
_NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF, errno.EACCES, errno.EPERM}


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Calls `write` on a temporary name next to `path`, flushes it to disk and renames it.

    Temporary files of killed processes in the same folder are removed.

    Raises:
        LotteryError: the folder cannot be created or written to.
    """
    handle, temporary = _begun(path.parent)
    try:
        write(temporary)
        os.chmod(temporary, 0o666 & ~_umask())
        sync(temporary)
        os.replace(temporary, path)
        sync(path.parent)
    except OSError as error:
        raise LotteryError(
            f"Expected to write {path}. Received: {error.strerror or error}. "
            "Free some space, or choose another folder."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
        os.close(handle)


def _begun(folder: Path) -> tuple[int, Path]:
    """Returns the handle and path of a new temporary file in a folder, which is made if needed."""
    try:
        make_folder(folder)
        sweep(folder)
        return _temporary(folder)
    except OSError as error:
        raise LotteryError(
            f"Expected a folder that can be written to. Received: {folder} ({error.strerror}). "
            "Choose another one."
        ) from error


def check_writable(folder: Path) -> None:
    """Creates a folder if needed.

    Raises:
        LotteryError: it cannot be created or written to.
    """
    handle, temporary = _begun(folder)
    temporary.unlink()
    os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Writes `text` to `path` atomically."""
    write_whole(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def make_folder(folder: Path) -> None:
    """Creates a folder and its parents, and flushes their names to disk."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in missing:
        sync(path.parent)


def full_disk(error: BaseException) -> OSError | None:
    """Returns the full disk that another library reports in an exception without its errno."""
    for number in _FULL:
        if os.strerror(number) in str(error):
            return OSError(number, os.strerror(number))
    return None


def sync(path: Path) -> None:
    """Flushes a file, or the names in a folder, to disk if the system supports it.

    Raises:
        OSError: the disk is full or broken.
    """
    try:
        handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise


def sync_tree(path: Path) -> None:
    """Flushes a file, or everything in a folder, to disk if the system supports it."""
    for part in (*path.rglob("*"), path):
        sync(part)


def sweep(folder: Path, pattern: str = _TEMPORARY) -> None:
    """Removes temporary files whose writer was killed; a live writer holds a lock on its file."""
    for path in folder.glob(pattern):
        with suppress(OSError):
            handle = os.open(path, os.O_RDWR)
            try:
                if lock(handle):
                    path.unlink()
            finally:
                os.close(handle)


def lock(handle: int) -> bool:
    """Locks an open file; returns False if another handle holds the lock.

    The lock is released when the process ends, however it ends.

    Raises:
        OSError: this system or disk has no locks.
    """
    if fcntl is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def locked_by_us(handle: int, path: Path) -> bool:
    """Locks a file that was just created; returns False if a sweep removed it in between."""
    with suppress(OSError):  # without locks, nothing is swept either
        if not lock(handle):
            return False
    return path.exists()


def _temporary(folder: Path) -> tuple[int, Path]:
    """Creates and locks a temporary file; returns its handle and path."""
    while True:
        handle, name = tempfile.mkstemp(dir=folder, prefix=PREFIX, suffix=".tmp")
        if locked_by_us(handle, Path(name)):
            return handle, Path(name)
        os.close(handle)


def _umask() -> int:
    value = os.umask(0)
    os.umask(value)
    return value
