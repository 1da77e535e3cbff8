"""A file is there whole or not at all."""

import errno
import os
import signal
import stat
import subprocess
import sys

import pytest

from keras_lottery.errors import LotteryError
from keras_lottery.files import make_folder, sweep, write_text, write_whole


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def half(temporary):
        temporary.write_text("ne")
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        write_whole(path, half)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_folder_that_is_a_file_is_an_error(tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(LotteryError, match=r"that can be written to.*Choose another one"):
        write_text(tmp_path / "a" / "b.txt", "")


def test_a_file_is_flushed_before_its_rename_and_its_folder_after(tmp_path, monkeypatch):
    calls = []

    def fsync(handle):
        calls.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")

    rename = os.replace
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", lambda *paths: (calls.append("rename"), rename(*paths)))
    write_text(tmp_path / "a.txt", "new")
    assert calls == ["file", "rename", "folder"]
    calls.clear()
    make_folder(tmp_path / "b" / "c")
    assert calls == ["folder", "folder"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_cannot_flush_leaves_the_old_file(code, tmp_path, monkeypatch):
    write_text(tmp_path / "a.txt", "old")

    def full(handle):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LotteryError, match=os.strerror(code)):
        write_text(tmp_path / "a.txt", "new")
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"a.txt": "old"}


def test_a_disk_that_knows_no_flushing_is_no_error(tmp_path, monkeypatch):
    def unknown(handle):
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", unknown)
    write_text(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "new"


def test_what_a_killed_process_left_is_swept(tmp_path):
    code = (
        "import os, pathlib, sys\n"
        "from keras_lottery.files import write_whole\n"
        "write_whole(pathlib.Path(sys.argv[1]), lambda path: os.kill(os.getpid(), 9))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a.txt")]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    assert left.suffix == ".tmp"
    write_text(tmp_path / "b.txt", "new")
    assert [p.name for p in tmp_path.iterdir()] == ["b.txt"]


def test_what_is_still_written_is_not_swept(tmp_path):
    def write(temporary):
        temporary.write_text("new")
        sweep(tmp_path)
        write_text(tmp_path / "b.txt", "other")
        assert temporary.exists()

    write_whole(tmp_path / "a.txt", write)
    found = {p.name: p.read_text() for p in tmp_path.iterdir()}
    assert found == {"a.txt": "new", "b.txt": "other"}
