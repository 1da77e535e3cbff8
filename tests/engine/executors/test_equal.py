"""Trainings in parallel end with the same bits as one at a time, in one run as in two calls."""

import csv
import os
import subprocess
import sys

import pytest

from tests.engine.small import settings

pytestmark = pytest.mark.tensorflow  # whose sums depend on the number of threads


def command(out, *flags, **fields):
    """Returns the command line that runs the small experiment."""
    overrides = [
        f"--config.{name}={value}" for name, value in settings(out, **fields).items()
        if name not in ("out", "seeds")
    ]  # fmt: skip
    program = [sys.executable, "-m", "keras_lottery", "run", "--config=quickstart", "--noreport"]
    return [*program, f"--out={out}", "--seeds=0,1", *overrides, *flags]


def run(out, *flags, **fields):
    """Runs the small experiment as a user would, and returns its rows and its tensors."""
    done = subprocess.run(
        command(out, *flags, **fields),
        env=os.environ | {"KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return *files_of(out), done.stdout


def files_of(out):
    """Returns the rows, without times, and the tensors of the one run in a folder."""
    (folder,) = out.iterdir()
    with (folder / "results.csv").open() as file:
        rows = [
            {key: value for key, value in row.items() if "seconds" not in key}
            for row in csv.DictReader(file)
        ]
    files = sorted(folder.rglob("*.safetensors"))
    tensors = {str(file.relative_to(folder)): file.read_bytes() for file in files}
    return sorted(rows, key=lambda row: tuple(row.values())), tensors


def test_side_by_side_and_one_at_a_time_are_equal(tmp_path):
    rows, tensors, _ = run(tmp_path / "a", "--executor=processes", "--workers=2")
    run(tmp_path / "b", "--executor=sequential", "--threads=1", prune__rounds=1)
    same_rows, same_tensors, said = run(tmp_path / "b", "--workers=2")
    assert "2 trainings in parallel with 1 thread each" in said
    assert len(rows) == 10 and rows == same_rows
    assert len(tensors) == 18 and tensors == same_tensors
