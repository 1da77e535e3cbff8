"""Every example runs as its reader would run it."""

import re
from pathlib import Path

import pytest

from tests import fresh

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))
# Longer trainings run the same code. Only the README's example is run at full length, and has to
# learn.
SHORTER = {
    "compact_a_convnet": {"epochs=10": "epochs=2", "epochs=5": "epochs=1"},
    "distill_into_a_ticket": {
        "epochs=20": "epochs=2",
        "epochs=5": "epochs=1",
        "epochs=25": "epochs=2",
    },
    "find_a_ticket": {'"epochs": 12': '"epochs": 2'},
    "find_a_ticket_in_text": {'"15ep"': '"2ep"'},
    "find_a_ticket_in_translation": {
        '"train.length": "180it"': '"train.length": "24it", "train.jit": "false"',
        '"train.eval_every": 60': '"train.eval_every": 12',
        '"train.average_every": "20it"': '"train.average_every": "2it"',
        '"optimizer.warmup": "40it"': '"optimizer.warmup": "4it"',
    },
    "prune_a_keras_model": {"EPOCHS, BATCH_SIZE = 30": "EPOCHS, BATCH_SIZE = 2"},
    "tickets_in_bert": {'"12ep"': '"2ep"'},
    "transfer_a_ticket": {"epochs=15": "epochs=2", "epochs=40": "epochs=2"},
}


def on_its_backend(path):
    """Marks an example whose text says that it is run on TensorFlow."""
    named = "KERAS_BACKEND=tensorflow" in path.read_text("utf-8")
    return pytest.param(path, marks=[pytest.mark.tensorflow] * named, id=path.stem)


def shortened(path, folder):
    """Returns a copy of an example that trains for less long."""
    code = path.read_text("utf-8")
    for old, new in SHORTER[path.stem].items():
        assert old in code
        code = code.replace(old, new)
    copied = folder / path.name
    copied.write_text(code, "utf-8")
    (folder / "text").symlink_to(path.parent / "text")  # which some of them read
    return copied


@pytest.mark.parametrize("path", map(on_its_backend, EXAMPLES))
def test_it_runs(path, tmp_path):
    if "import keras_hub" in path.read_text():
        pytest.importorskip("keras_hub")
    folder = tmp_path / "empty"
    folder.mkdir()
    output = _output([shortened(path, tmp_path)], folder)
    measures = ("test accuracy", "test log-perplexity", "test BLEU")
    assert any(name in output for name in measures)
    assert not any(folder.iterdir())


def test_the_first_example_of_the_readme_runs_as_pasted(tmp_path):
    readme = (EXAMPLES[0].parents[1] / "README.md").read_text()
    code = re.search(r"```python\n(.*?)```", readme, re.DOTALL)[1]
    output = _output(["-c", code], tmp_path)
    assert float(re.search(r"test accuracy .*: ([\d.]+)", output)[1]) > 0.9
    after, before = re.search(r"│ bytes +│ +([\d,]+) │ +([\d,]+) │", output).groups()
    assert 0 < int(after.replace(",", "")) < int(before.replace(",", "")) / 4
    assert (tmp_path / "small.keras").stat().st_size == int(after.replace(",", ""))


def _output(command, folder):
    done = fresh.run(*command, cwd=folder, TMPDIR=str(folder))
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_there_are_examples_and_each_is_listed():
    assert len(EXAMPLES) >= 3
    listed = (EXAMPLES[0].parent / "README.md").read_text()
    assert all(f"`{path.name}`" in listed for path in EXAMPLES)
