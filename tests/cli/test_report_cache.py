"""A report is written again if anything that it depends on, or a file of it, has changed."""

import json
import os

import pytest

import keras_lottery
from keras_lottery import cli
from keras_lottery.cli import report_cache


@pytest.fixture
def show(tmp_path, monkeypatch, capsys):
    """Shows the report of a folder; returns its text and whether it was written."""
    monkeypatch.setenv("KERAS_LOTTERY_CACHE", str(tmp_path / "cache"))
    written = []

    def write(folder, trackers, console):
        written.append(folder)
        (folder / "report").mkdir(exist_ok=True)
        (folder / "report" / "report.md").write_text((folder / "results.csv").read_text())
        (folder / "report" / "tickets.png").write_bytes(b"figure")
        return f"value {(folder / 'results.csv').read_text()}\n"

    monkeypatch.setattr(report_cache, "_written", write)

    def shown(folder, *flags):
        before = len(written)
        assert cli.main(["keras-lottery", "report", f"--run={folder}", *flags]) == 0
        return capsys.readouterr().out, len(written) > before

    return shown


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    (folder / "seed_0").mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "results.csv").write_text("1")
    (folder / "seed_0" / "history.csv").write_text("2")
    (folder / "seed_0" / "ticket.safetensors").write_bytes(b"3")
    return folder


def test_an_unchanged_report_is_only_shown_again(show, run):
    assert show(run) == ("value 1\n", True)
    assert show(run) == ("value 1\n", False)
    assert show(run, "--track=wandb") == ("value 1\n", True)  # adds new runs each time


@pytest.mark.parametrize("name", ["report/report.md", "report/tickets.png"])
def test_an_edited_or_deleted_file_of_the_report_is_written_again(show, run, name):
    show(run)
    before = (run / name).read_bytes()
    (run / name).write_text("x")
    assert show(run) == ("value 1\n", True) and (run / name).read_bytes() == before
    (run / name).unlink()
    assert show(run) == ("value 1\n", True) and (run / name).read_bytes() == before
    assert show(run) == ("value 1\n", False)


@pytest.mark.parametrize("name", ["config.json", "results.csv", "seed_0/history.csv"])
def test_a_changed_table_of_the_same_size_and_time_counts(show, run, name):
    show(run)
    stat, text = (run / name).stat(), (run / name).read_text()
    (run / name).write_text("9" * len(text))
    os.utime(run / name, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert show(run)[1]


def test_other_files_of_the_run_count_too(show, run):
    show(run)
    (run / "seed_0" / "ticket.safetensors").write_bytes(b"34")
    assert show(run)[1]
    (run / "compacted.csv").write_text("5")
    assert show(run)[1]
    (run / "seed_0" / "history.csv").unlink()
    assert show(run)[1] and not show(run)[1]


def test_versions_modules_and_the_terminal_count(show, run, monkeypatch):
    show(run)
    with monkeypatch.context() as patch:
        patch.setattr(keras_lottery, "__version__", "99")
        assert show(run)[1]
    with monkeypatch.context() as patch:
        patch.setattr(report_cache.user_modules, "flags", lambda: {"mine": "mine.py"})
        assert show(run)[1] and show(run)[1]
    with monkeypatch.context() as patch:
        patch.setenv("COLUMNS", "50")
        assert show(run)[1]
    with monkeypatch.context() as patch:
        patch.setenv("KERAS_LOTTERY_CACHE", "")
        assert show(run)[1] and show(run)[1]


def test_a_damaged_record_is_not_read(show, run, tmp_path):
    show(run)
    (record,) = (tmp_path / "cache" / "reports").iterdir()
    for damaged in ("", "[]", "{", json.dumps({"inputs": 1})):
        record.write_text(damaged)
        assert show(run) == ("value 1\n", True)
