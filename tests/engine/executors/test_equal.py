"""Trainings in parallel end with the same bits as one at a time, in one run as in two calls."""

import csv
import os
import shutil
import subprocess
import sys

import pytest

from tests import fresh
from tests.engine.small import settings

pytestmark = pytest.mark.tensorflow  # whose sums depend on the number of threads


def command(out, *flags, **fields):
    """Returns the command line that runs the small experiment."""
    overrides = [
        f"--config.{name}={value}" for name, value in settings(out, **fields).items()
        if name not in ("out", "seeds")
    ]  # fmt: skip
    program = ["-m", "keras_lottery", "run", "--config=quickstart", "--noreport"]
    return [*program, f"--out={out}", *overrides, *flags]


def one_at_a_time(out, *flags, **fields):
    """Runs it in a process that has imported Keras."""
    done = fresh.run(*command(out, "--executor=sequential", *flags, **fields))
    assert done.returncode == 0, done.stderr


def side_by_side(out, *flags):
    """Runs it in a new process, as workers need it; returns what it prints."""
    done = subprocess.run(
        [sys.executable, *command(out, "--workers=2", *flags)],
        env=os.environ | {"KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


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
    """From a common first round of one seed on; the other seed starts in parallel."""
    one, other = tmp_path / "one", tmp_path / "other"
    one_at_a_time(one, "--threads=1", "--seeds=0", prune__rounds=1)
    shutil.copytree(one, other)
    one_at_a_time(one, "--seeds=0,1")
    said = side_by_side(other, "--seeds=0,1")
    assert "2 trainings in parallel with 1 thread each" in said
    (rows, tensors), (same_rows, same_tensors) = files_of(one), files_of(other)
    assert len(rows) == 10 and rows == same_rows
    assert len(tensors) == 18 and tensors == same_tensors
