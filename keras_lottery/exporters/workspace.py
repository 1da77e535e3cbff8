"""The folder in which an export is prepared, and the cleanup after killed exports."""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from keras_lottery.errors import LotteryError
from keras_lottery.files import (
    PREFIX,
    lock,
    locked_by_us,
    make_folder,
    sweep,
    sync,
    sync_tree,
    write_whole,
)

_LOCK = "export.lock"  # contains the name of the artifact
_COMPANIONS = "companions"


@contextmanager
def workspace(out: Path) -> Iterator[Path]:
    """Yields a temporary folder on the disk of `out`, and removes it at the end.

    After an error it also removes the parent folders that it has created.

    Raises:
        LotteryError: it cannot be created, or the disk is full.
    """
    missing = [parent for parent in out.parents if not parent.exists()]
    try:
        make_folder(out.parent)
        handle, folder = _locked_folder(out.parent)
    except OSError as error:
        _remove_empty(missing)
        raise LotteryError(
            f"Expected a folder that can be written to. Received: {out.parent} "
            f"({error.strerror}). Choose another `out`."
        ) from error
    done = False
    try:
        (folder / _LOCK).write_text(out.name)
        yield folder
        done = True
    except OSError as error:
        raise LotteryError(
            f"Expected to write {out}. Received: {error.strerror or error}. "
            "Free some space or choose another `out`."
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)
        if not done:
            _remove_empty(missing)


def _remove_empty(folders: list[Path]) -> None:
    """Removes folders, inner ones first, up to one that is missing or has other files."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def publish(folder: Path, artifact: Path, out: Path, files: Mapping[Path, bytes]) -> None:
    """Renames the artifact to `out`, together with its companion files.

    Companions of a file are written first, with copies in the workspace until the end, from which
    `clear_killed` knows which files a killed export has written.

    Args:
        folder: the workspace.
        artifact: the artifact in the workspace.
        out: its new name.
        files: contents of the companion files, by path.

    Raises:
        LotteryError: a companion file has the name of one of the artifact's own, or another
            process has written one of the paths meanwhile.
    """
    check_absent([out, *files])
    if artifact.is_dir():
        for path, data in files.items():
            if (artifact / path.name).exists():
                raise LotteryError(
                    f"Expected assets with other names than the artifact's files. Received: "
                    f"{path.name!r}. Rename it; nothing was written."
                )
            (artifact / path.name).write_bytes(data)
        sync_tree(artifact)
        os.rename(artifact, out)
        sync(out.parent)
        return
    copies = folder / _COMPANIONS
    copies.mkdir()
    for path, data in files.items():
        (copies / path.name).write_bytes(data)
    sync_tree(copies)
    sync(artifact)
    try:
        for path, data in files.items():
            write_whole(path, lambda to, data=data: to.write_bytes(data))  # type: ignore[misc]
        os.replace(artifact, out)
    except BaseException:
        for path in files:
            path.unlink(missing_ok=True)
        raise
    sync(out.parent)


def check_absent(paths: Iterable[Path]) -> None:
    """Raises LotteryError if a file or folder has one of the paths."""
    for path in paths:
        if os.path.lexists(path):
            raise LotteryError(
                f"Expected a path that does not exist. Received: {path}, which exists. "
                "Choose another `out`, or remove it."
            )


def clear_killed(folder: Path) -> None:
    """Removes workspaces of killed exports in a folder; those of live processes are locked."""
    sweep(folder)
    for workspace_folder in folder.glob(f"{PREFIX}*.partial"):
        with suppress(OSError):
            handle = os.open(workspace_folder / _LOCK, os.O_RDWR | os.O_CREAT)
            try:
                if lock(handle):
                    _remove_companions(workspace_folder)
                    shutil.rmtree(workspace_folder)
            finally:
                os.close(handle)


def _locked_folder(parent: Path) -> tuple[int, Path]:
    """Creates a folder that is locked while this process lives; returns lock handle and folder."""
    while True:
        folder = Path(tempfile.mkdtemp(dir=parent, prefix=PREFIX, suffix=".partial"))
        with suppress(FileNotFoundError):  # swept before it was locked
            handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT)
            if locked_by_us(handle, folder / _LOCK):
                return handle, folder
            os.close(handle)


def _remove_companions(folder: Path) -> None:
    """Removes the companion files of an artifact that was never renamed."""
    name = (folder / _LOCK).read_text()
    if not name or os.path.lexists(folder.parent / name):
        return
    for copy in (folder / _COMPANIONS).glob("*"):
        file = folder.parent / copy.name
        if file.is_file() and file.read_bytes() == copy.read_bytes():
            file.unlink()
