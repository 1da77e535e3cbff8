"""Every example runs as its reader would run it."""

import os
import re
from pathlib import Path

import pytest

from tests import fresh

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))


def on_its_backend(path):
    """Marks an example whose text says that it is run on TensorFlow."""
    named = "KERAS_BACKEND=tensorflow" in path.read_text("utf-8")
    return pytest.param(path, marks=[pytest.mark.tensorflow] * named, id=path.stem)


@pytest.mark.parametrize("path", map(on_its_backend, EXAMPLES))
def test_it_runs(path, tmp_path):
    if "import keras_hub" in path.read_text():
        pytest.importorskip("keras_hub")
    environment = {}
    if "Conv2D" in path.read_text():  # its steps take longer than making them faster
        flags = os.environ.get("XLA_FLAGS", "")
        environment["XLA_FLAGS"] = flags.replace("optimization_level=0", "optimization_level=1")
    output = _output([path], tmp_path, **environment)
    measures = ("test accuracy", "test log-perplexity", "test BLEU")
    assert any(name in output for name in measures)
    assert {path.name for path in tmp_path.iterdir()} <= {"__pycache__"}


def test_the_first_example_of_the_readme_runs_as_pasted(tmp_path):
    readme = (EXAMPLES[0].parents[1] / "README.md").read_text()
    code = re.search(r"```python\n(.*?)```", readme, re.DOTALL)[1]
    output = _output(["-c", code], tmp_path)
    after, before = re.search(r"│ bytes +│ +([\d,]+) │ +([\d,]+) │", output).groups()
    assert 0 < int(after.replace(",", "")) < int(before.replace(",", "")) / 4
    assert (tmp_path / "small.keras").stat().st_size == int(after.replace(",", ""))


def _output(command, folder, **environment):
    done = fresh.run(*command, cwd=folder, TMPDIR=str(folder), **environment)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_there_are_examples_and_each_is_listed():
    assert len(EXAMPLES) >= 3
    listed = (EXAMPLES[0].parent / "README.md").read_text()
    assert all(f"`{path.name}`" in listed for path in EXAMPLES)
