"""An export that is killed leaves nothing in the way of the next one."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from keras_lottery.errors import LotteryError
from keras_lottery.exporters.exporter import exporters
from keras_lottery.exporters.target import check_free
from keras_lottery.exporters.workspace import clear_killed, publish, workspace

# Kills the process when the artifact is about to be renamed, or, with "before", before that.
KILLED = """
import os, sys
from pathlib import Path
from keras_lottery.exporters.workspace import publish, workspace

def kill(*_):
    os.kill(os.getpid(), 9)

out = Path(sys.argv[1])
with workspace(out) as folder:
    artifact = folder / "artifact"
    artifact.write_text("weights")
    if sys.argv[2] == "before":
        kill()
    rename = os.replace
    os.replace = lambda old, new: kill() if Path(old) == artifact else rename(old, new)
    publish(folder, artifact, out, {Path(f"{out}.export.json"): b"report"})
"""


def killed(out, when):
    command = [sys.executable, "-c", KILLED, str(out), when]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("next_name", ["a.keras", "b.keras"])
def test_the_next_export_clears_what_killed_ones_left(next_name, tmp_path):
    killed(tmp_path / "a.keras", "before")
    assert "a.keras.export.json" not in names(tmp_path) and len(names(tmp_path)) == 1
    killed(tmp_path / "a.keras", "at the rename")
    assert "a.keras.export.json" in names(tmp_path) and len(names(tmp_path)) == 3
    check_free(tmp_path / next_name, exporters["keras"])
    assert not names(tmp_path)


def test_a_file_of_the_users_own_is_left(tmp_path):
    killed(tmp_path / "a.keras", "at the rename")
    (tmp_path / "a.keras.export.json").write_text("mine")
    with pytest.raises(LotteryError, match=r"a\.keras\.export\.json, which exists"):
        check_free(tmp_path / "a.keras", exporters["keras"])
    assert names(tmp_path) == {"a.keras.export.json"}


def test_the_report_of_a_finished_artifact_is_left(tmp_path):
    killed(tmp_path / "a.keras", "at the rename")
    (tmp_path / "a.keras").write_text("finished by another")
    clear_killed(tmp_path)
    assert names(tmp_path) == {"a.keras", "a.keras.export.json"}


def test_an_export_that_is_going_on_is_not_cleared(tmp_path):
    with workspace(tmp_path / "a.keras") as folder:
        (folder / "artifact").write_text("weights")
        clear_killed(tmp_path)
        publish(folder, folder / "artifact", tmp_path / "a.keras", {tmp_path / "r.json": b"{}"})
    assert names(tmp_path) == {"a.keras", "r.json"}


def test_an_interrupted_publication_takes_its_files_back(tmp_path, monkeypatch):
    def interrupt(old, new):
        if Path(new).name == "a.keras":
            raise KeyboardInterrupt
        rename(old, new)

    rename = os.replace
    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt), workspace(tmp_path / "a.keras") as folder:
        (folder / "artifact").write_text("weights")
        publish(folder, folder / "artifact", tmp_path / "a.keras", {tmp_path / "r.json": b"{}"})
    assert not names(tmp_path)


def test_a_full_disk_is_an_error_that_leaves_nothing(tmp_path, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    with pytest.raises(LotteryError, match="No space left"), workspace(tmp_path / "a") as folder:
        (folder / "artifact").mkdir()
        monkeypatch.setattr(os, "fsync", full)
        publish(folder, folder / "artifact", tmp_path / "a", {tmp_path / "a" / "r.json": b"{}"})
    assert not names(tmp_path)


@pytest.mark.parametrize("suffix", ["", ".keras"], ids=["folder", "file"])
def test_of_two_exports_to_one_place_the_first_stays(suffix, tmp_path):
    def write(folder, text):
        artifact = folder / "artifact"
        if not suffix:
            artifact.mkdir()
        (artifact if suffix else artifact / "weights").write_text(text)
        publish(folder, artifact, out, {tmp_path / f"out{suffix}{at}r.json": text.encode()})

    out, at = tmp_path / f"out{suffix}", "." if suffix else "/"
    with pytest.raises(LotteryError, match="which exists"), workspace(out) as second:
        with workspace(out) as first:
            write(first, "first")
        write(second, "second")
    files = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert files == ["first", "first"]
