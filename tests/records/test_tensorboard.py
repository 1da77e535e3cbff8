"""The scalars that TensorBoard reads are the run's."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from keras_lottery.errors import MissingExtraError
from keras_lottery.records import NoScalars, TensorBoardScalars, scalars
from keras_lottery.records.run_paths import RunPaths

from .made_rows import row

HISTORY = [{"step": 100, "loss": 0.5}, {"step": 200, "loss": 0.25}]


def read(folder: Path) -> dict[str, list[tuple[int, float]]]:
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulators.EventAccumulator(str(folder)).Reload()
    tags = events.Tags()["scalars"]
    return {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in tags}


def test_histories_and_values_against_remaining(paths: RunPaths) -> None:
    pytest.importorskip("tensorboard")
    writer = scalars(paths)
    for _ in range(2):  # a training added again changes nothing
        writer.add(row(round=1, arm="winning", kept=800, value=0.5), HISTORY)
        writer.add(row(round=2, arm="winning", kept=640, value=0.25), [])
    folder = paths.tensorboard
    assert read(folder / "trainings/seed_0/round_01/winning") == {"loss": [(100, 0.5), (200, 0.25)]}
    values = read(folder / "arms/winning/seed_0")
    assert next(v for k, v in values.items() if "accuracy" in k) == [(6400, 0.25), (8000, 0.5)]


def test_without_the_package(paths: RunPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keras_lottery.records.tensorboard.find_spec", lambda name: None)
    writer = scalars(paths)
    assert isinstance(writer, NoScalars)
    writer.add(row(), HISTORY)
    assert not paths.root.exists()
    with pytest.raises(MissingExtraError, match=r"\.\[tensorboard\]"):
        scalars(paths, enabled=True)
    with pytest.raises(MissingExtraError):
        TensorBoardScalars(paths.tensorboard)


def test_not_wanted(paths: RunPaths) -> None:
    assert isinstance(scalars(paths, enabled=False), NoScalars)


def test_writing_needs_no_backend(tmp_path: Path) -> None:
    if importlib.util.find_spec("tensorboard") is None:
        pytest.skip("tensorboard is not installed")
    code = (
        # Outside the command line, importing the package imports Keras.
        "import sys; from pathlib import Path; sys.argv = ['keras-lottery']\n"
        "from tests.records.made_rows import row\n"
        "from keras_lottery.records import TensorBoardScalars\n"
        f"TensorBoardScalars(Path({str(tmp_path)!r})).add(row(), [])\n"
        "print([m for m in ('tensorflow', 'keras', 'jax', 'torch') if m in sys.modules])"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[]", done.stderr
